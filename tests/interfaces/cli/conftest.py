"""Commands over a real system of their own."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infrastructure.bootstrap import build
from interfaces.cli.main import command
from tests.interfaces.http.conftest import MODEL, as_url
from tests.support.servers import SearchSpace

Run = Callable[..., Any]


@pytest.fixture
def tierline(
    database: str,
    redis_url: str,
    broker_url: str,
    opensearch: SearchSpace,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Runs a command with --json and answers what it prints; code: the exit code that is expected."""
    for name, value in {
        "HOME": str(tmp_path / "home"),
        "DATABASE_URL": as_url(database),
        "REDIS_URL": redis_url,
        "BROKER_URL": broker_url,
        "OPENSEARCH_URL": opensearch.url,
    }.items():
        monkeypatch.setenv(f"TIERLINE_{name}", value)

    def run(*arguments: str, code: int = 0, as_json: bool = True) -> Any:
        found = command([*arguments, *(["--json"] if as_json else [])], partial(build, index_prefix=opensearch.prefix))
        printed = capsys.readouterr()
        assert found == code, printed.err
        assert "Traceback" not in printed.out + printed.err
        if code and not printed.out:
            return printed.err
        return json.loads(printed.out) if as_json else printed.out

    return run


@pytest.fixture
def model_file(tmp_path: Path) -> str:
    path = tmp_path / "value.yaml"
    path.write_text(MODEL)
    return str(path)


@pytest.fixture
def facts_file(tmp_path: Path) -> str:
    path = tmp_path / "facts.ndjson"
    fact = {"kind": "order", "occurred_at": "2026-01-10T00:00:00Z", "amount": 5_000, "currency": "USD"}
    lines = [json.dumps(fact | {"fact_id": f"o-{number}", "user_id": f"u-{number}"}) for number in range(3)]
    path.write_text("\n".join(lines))
    return str(path)
