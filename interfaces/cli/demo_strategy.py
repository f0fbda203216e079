"""The demo's strategy: started once on the sample year, with a holdout, and waited for."""

import time
from pathlib import Path
from typing import Any, Protocol

from infrastructure.local_stack.server import PartBroken

STRATEGY = "win-back"
_FILE = Path(__file__).parents[2] / "examples" / "strategies" / f"{STRATEGY}.yaml"
_PATIENCE_SECONDS, _LOOK_SECONDS = 120.0, 0.25


class AsksTheApi(Protocol):
    """What of the demo's API is used here."""

    def get(self, path: str) -> Any:
        """What it answers, read from JSON."""

    def post(self, path: str, body: Any) -> Any:
        """The same for a body."""


def run_strategy(system: Any, api: AsksTheApi, actor: str) -> dict[str, Any]:
    """Define and start it, unless that is done, and wait until everybody was looked at. Raises PartBroken."""
    view = system.strategies.define(_FILE.read_bytes(), actor)
    if view.status == "draft":
        api.post(f"/v1/strategies/{STRATEGY}/start", {})
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        rounds = [one["state"] for one in api.get("/v1/bulk-assignments")["bulk_assignments"] if one["round"]]
        progress: dict[str, Any] = api.get(f"/v1/strategies/{STRATEGY}/progress")
        if rounds and set(rounds) == {"done"} and not progress["waiting"]:
            return progress
        time.sleep(_LOOK_SECONDS)
    raise PartBroken(f"The strategy {STRATEGY} is not through after {_PATIENCE_SECONDS:.0f} s.", "Run the demo again.")
