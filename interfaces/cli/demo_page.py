"""The demo's page: what an operator, an analyst and a reviewer ask, asked over HTTP and printed."""

import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from infrastructure.local_stack.server import PartBroken
from interfaces.cli.terminal import bar

SCHEMES = ("value", "behaviour", "feature")
_SEGMENT = {
    "where": "tier.value in ('important_value', 'important_growth') and value.recency >= 14",
    "sort": ["-value.spend"],
    "size": 5,
    "facets": ["tier.behaviour", "tier.feature"],
}
_WIDTH = 118  # of a page that is not on a terminal
_ASK_SECONDS = 60.0
_STUCK_SECONDS = 120.0
_LOOK_SECONDS = 0.25
_REMEDY = "Run the demo again: it goes on from what is there. `tierline doctor` tells which parts are off."


class Api:
    """The HTTP API, asked with a key."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    def get(self, path: str) -> Any:
        """What it answers, read from JSON."""
        return self._ask(path, None)

    def post(self, path: str, body: Any) -> Any:
        """The same for a body."""
        return self._ask(path, json.dumps(body).encode())

    def _ask(self, path: str, body: bytes | None) -> Any:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data=body, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=_ASK_SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                problem = error.read().decode(errors="replace")
            raise PartBroken(f"The API answered {path} with {error.code}: {problem}", _REMEDY) from None


def wait_for_read_models(api: Api) -> None:
    """Until every read model shows what the log holds now. Raises PartBroken."""
    head = api.get("/v1/projections")["position"]
    moved, reached = time.monotonic(), -1
    with bar("read models") as report:
        while True:
            positions = [one["position"] for one in api.get("/v1/projections")["projections"]]
            if positions and min(positions) >= head:
                return
            if sum(positions) > reached:
                moved, reached = time.monotonic(), sum(positions)
            elif time.monotonic() - moved > _STUCK_SECONDS:
                raise PartBroken(f"The read models stand still at {positions}, the log is at {head}.", _REMEDY)
            report(sum(positions), head * max(len(positions), 1))
            time.sleep(_LOOK_SECONDS)


def ask_page(api: Api, given: dict[str, Any], strategy: dict[str, Any], quiet: bool) -> dict[str, Any]:
    """Asks everything, prints it unless quiet, and answers it as one object. given: as give_benefit answers it;
    strategy: how the demo's own goes."""
    models = {scheme: api.get(f"/v1/tier-models/{scheme}")["spec"] for scheme in SCHEMES}
    segment = api.post("/v1/segments/search", _SEGMENT)
    somebody = segment["users"] or api.post("/v1/segments/search", {"size": 1})["users"]
    user = somebody[0]["user_id"]
    history = api.get(f"/v1/users/{user}/history?size=1000")
    page = {
        "distributions": {scheme: api.get(f"/v1/schemes/{scheme}/distribution") for scheme in SCHEMES},
        "segment": segment,
        "strategy": strategy,
        "card": api.get(f"/v1/users/{user}"),
        "history": history,
        "past": api.get(f"/v1/users/{user}/tiers?as_of={_half_way(history['events'])}"),
        "given": given,
        "projections": api.get("/v1/projections"),
    }
    if not quiet:
        _Page(models).print(page, user)
    return page


def _half_way(events: list[dict[str, Any]]) -> str:
    """A midnight in the middle of the user's story."""
    first, last = (datetime.fromisoformat(events[at]["effective_at"]) for at in (0, -1))
    return f"{first + (last - first) / 2 + timedelta(days=1):%Y-%m-%dT00:00:00Z}"


class _Page:
    """Prints. models: each scheme's model in force, for labels and for what a rule reads."""

    def __init__(self, models: dict[str, Any]) -> None:
        console = Console()
        self._console = console if console.is_terminal else Console(width=_WIDTH)
        self._models = models

    def print(self, page: dict[str, Any], user: str) -> None:
        """Questions, each with the request that answers it."""
        for scheme, distribution in page["distributions"].items():
            self._sizes(scheme, distribution["tiers"])
        self._segment(page["segment"])
        self._strategy(page["strategy"])
        self._card(page["card"], user)
        self._history(page["history"]["events"], user)
        past = page["past"]
        self._asked(f"GET /v1/users/{user}/tiers?as_of={past['as_of']}", "Where did they stand on a day in the past?")
        standings = past["standings"].items()
        self._table(
            ("scheme", "tier", "since"), [(scheme, one["tier"], _day(one["since"])) for scheme, one in standings]
        )
        self._given(**page["given"])
        self._freshness(page["projections"]["projections"])

    def _sizes(self, scheme: str, tiers: dict[str, int]) -> None:
        self._asked(f"GET /v1/schemes/{scheme}/distribution", f"How many users stand where, by {scheme}?")
        whole, model = max(sum(tiers.values()), 1), self._models[scheme]
        names = list(tiers) if model.get("unordered") else list(reversed(tiers))
        rows = [
            (name, self._label(scheme, name), f"{tiers[name]:>5,}", "█" * round(50 * tiers[name] / whole))
            for name in names
        ]
        self._table(("tier", "", "users", ""), rows)

    def _segment(self, segment: dict[str, Any]) -> None:
        question = f"Which valued customers have not come for two weeks? {segment['total']:,} users; the first of them:"
        self._asked(f"POST /v1/segments/search {json.dumps(_SEGMENT)}", question)
        rows = [
            (
                one["user_id"],
                *(one["tiers"].get(scheme) for scheme in SCHEMES),
                _money(one["features"]["value"].get("spend")),
                one["features"]["value"].get("frequency"),
            )
            for one in segment["users"]
        ]
        self._table(("user", *SCHEMES, "spent in 90 days", "orders in 90 days"), rows)
        for field, counts in segment["facets"].items():
            told = ", ".join(f"{value} {users:,}" for value, users in counts.items())
            self._console.print(f" {escape(field)}: {escape(told)}", highlight=False)

    def _strategy(self, progress: dict[str, Any]) -> None:
        name = progress["strategy"]
        self._asked(f"GET /v1/strategies/{name}/progress", f"And who is being won back ({name}), who is held out?")
        rows = [
            (one["arm"] or "held out", one["assigned"], one["exposed"], "" if one["arm"] else "空白对照组")
            for one in progress["arms"]
        ]
        self._table(("arm", "users", "sent to", ""), rows)
        chance = progress["sample_ratio_p"]["holdout"]
        self._console.print(f" a split at least as uneven comes by chance with p = {chance:.2f}", highlight=False)

    def _card(self, card: dict[str, Any], user: str) -> None:
        question = "One of them: where do they stand, and what is missing for the next tier?"
        self._asked(f"GET /v1/users/{user}", question)
        rows = [
            (
                scheme,
                standing["tier"],
                _day(standing["since"]),
                _day(standing["grace_until"]),
                _day(standing["may_drop_on"]),
                standing["next_tier"],
                "; ".join(_missing(part) for part in standing["missing"]),
            )
            for scheme, standing in card["standings"].items()
        ]
        self._table(("scheme", "tier", "since", "grace until", "may drop on", "next tier", "missing for it"), rows)

    def _history(self, events: list[dict[str, Any]], user: str) -> None:
        self._asked(f"GET /v1/users/{user}/history", f"And their whole history, with reasons: {len(events)} events.")
        rows = [
            (
                _day(event["effective_at"]),
                event["data"].get("scheme"),
                event["topic"].removeprefix("user-tier.").removesuffix(".v1"),
                _move(event["data"]),
                self._reason(event["receipt"]),
            )
            for event in events
        ]
        self._table(("day (UTC)", "scheme", "event", "tier", "because"), rows)

    def _reason(self, receipt: dict[str, Any] | None) -> str:
        """The policy's clause, the rule that gave the qualified tier, and the values which that rule reads."""
        if not receipt:
            return ""
        tier, _, part = receipt["rule"].partition(".")
        rule = self._models[receipt["scheme"]]["rules"].get(tier, {})
        condition = rule if isinstance(rule, str) else rule.get(part, "")
        values = {**receipt["features"], **receipt["scores"]}
        read = [f"{name} {_short(values[name])}" for name in values if re.search(rf"\b{re.escape(name)}\b", condition)]
        return f"{receipt['clause']}, {receipt['rule']}" + (f": {', '.join(read)}" if read else "")

    def _given(self, benefit: dict[str, Any], grants: list[dict[str, Any]], budget: dict[str, Any]) -> None:
        name, label = benefit["benefit"], benefit["spec"]["labels"]["zh-CN"]
        request = f"POST /v1/segments/search {json.dumps({'benefits': [name]})}, GET /v1/users/USER/grants"
        self._asked(request, f"Who holds {name} ({label})? {len(grants)} users:")
        rows = [
            (
                one["user_id"],
                one["units"],
                one["redeemed"],
                one["left"],
                _day(one["granted_at"]),
                _day(one["expires_at"]),
            )
            for one in grants
        ]
        self._table(("user", "granted", "redeemed", "left", "since", "until"), rows)
        self._asked(
            f"GET /v1/budgets/{budget['budget']}", "What is promised of its budget, what is spent, and what is left?"
        )
        columns = ("allowed", "reserved", "spent", "left")
        self._table(
            ("budget", *columns),
            [(budget["budget"], *(_money(one[column]) for column in columns)) for one in budget["accounts"]],
        )

    def _freshness(self, read_models: list[dict[str, Any]]) -> None:
        self._asked("GET /v1/projections", "How fresh is all this?")
        rows = [
            (one["name"], one["status"], f"{one['position']:,}", one["lag_events"], one["lag_seconds"])
            for one in read_models
        ]
        self._table(("read model", "status", "log position", "events behind", "seconds behind"), rows)
        self._console.print()

    def _label(self, scheme: str, tier: str) -> str:
        return str(self._models[scheme].get("labels", {}).get(tier, {}).get("zh-CN", ""))

    def _asked(self, request: str, question: str) -> None:
        self._console.print(f"\n[bold]{escape(question)}[/bold]", highlight=False)
        self._console.print(f"[dim]{escape(request)}[/dim]", highlight=False, soft_wrap=True)

    def _table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        table = Table(*columns, box=None, header_style="bold", pad_edge=True)
        for row in rows:
            table.add_row(*("" if cell is None else escape(str(cell)) for cell in row))
        self._console.print(table)


def _move(data: dict[str, Any]) -> str:
    before, after = data.get("from"), data.get("to")
    return f"{after or ''}" if before in (None, after) else f"{before} → {after}"


def _missing(part: dict[str, Any]) -> str:
    return f"{part['of']} is {_short(part['is'])}, needs {_short(part['needs'])}"


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:.2f}" if isinstance(value, float) else str(value)


def _money(cents: int | None) -> str | None:
    return None if cents is None else f"{cents / 100:,.2f} USD"


def _day(instant: str | None) -> str | None:
    return None if instant is None else instant[:10]
