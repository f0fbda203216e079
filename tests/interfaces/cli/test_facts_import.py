"""`tierline facts import`: files in, figures out, and again without doubling anything."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from interfaces.cli.main import command
from tests.interfaces.http.conftest import as_url
from tests.support.fact_texts import fact_text


@pytest.fixture
def tierline(database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs a command against a database of this test's own; answers the exit code and what --json printed."""
    monkeypatch.setenv("TIERLINE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("TIERLINE_DATABASE_URL", as_url(database))
    for part in ("REDIS", "BROKER"):
        monkeypatch.setenv(f"TIERLINE_{part}_URL", "redis://127.0.0.1:9/0")
    monkeypatch.setenv("TIERLINE_OPENSEARCH_URL", "http://127.0.0.1:9")

    def run(*arguments: str) -> tuple[int, Any]:
        capsys.readouterr()
        code = command([*arguments, "--json"])
        printed = capsys.readouterr().out
        return code, json.loads(printed) if printed else None

    return run


def _file(path: Path, *texts: bytes) -> str:
    path.write_bytes(b"\n".join(texts))
    return str(path)


def test_files_are_recorded_once(tierline: Any, tmp_path: Path) -> None:
    one = _file(tmp_path / "one.ndjson", fact_text("f1"), fact_text("f2"))
    two = _file(tmp_path / "two.ndjson", fact_text("f2"), fact_text("f3", "u2"))
    code, answer = tierline("facts", "import", one, two, "--source", "pos")
    assert (code, answer["accepted"], answer["duplicates"], answer["rejected"]) == (0, 3, 1, [])
    assert [file["accepted"] for file in answer["files"]] == [2, 1]
    assert answer["position"] > 0 and answer["history"] is None
    _, again = tierline("facts", "import", one, two, "--source", "pos")
    assert (again["accepted"], again["duplicates"], again["position"]) == (0, 4, answer["position"])


def test_a_rejected_line_is_named_and_the_rest_recorded(tierline: Any, tmp_path: Path) -> None:
    path = _file(tmp_path / "facts.ndjson", fact_text("f1"), fact_text("f2", amount=-1), b"{", fact_text("f3"))
    code, answer = tierline("facts", "import", path)
    assert (code, answer["accepted"], answer["rejected_count"]) == (1, 2, 2)
    assert [(fact["file"], fact["index"], fact["error"]["field"]) for fact in answer["rejected"]] == [
        (path, 1, "amount"),
        (path, 2, "fact"),
    ]


def test_history_is_opened_imported_sealed_and_decided(tierline: Any, tmp_path: Path, database: str) -> None:
    path = _file(tmp_path / "facts.ndjson", fact_text("f1"), fact_text("f2", "u2"))
    code, answer = tierline("facts", "import", "--history", path)
    assert (code, answer["accepted"], answer["history"]["subjects"]) == (0, 2, 2)
    with psycopg.connect(database) as connection:
        assert connection.execute("select count(*) from timelines where history_id is not null").fetchone() == (0,)
        assert connection.execute("select count(*) from facts where known_at = occurred_at").fetchone() == (2,)
        assert connection.execute("select count(*) from history_sessions where sealed_at > 0").fetchone() == (1,)


def test_an_interrupted_history_goes_on_in_its_session(tierline: Any, tmp_path: Path, database: str) -> None:
    path = tmp_path / "facts.ndjson"
    broken = _file(tmp_path / "broken.ndjson.gz", b"no gzip")
    _file(path, fact_text("f1"), fact_text("f2"))
    code, _ = tierline("facts", "import", "--history", str(path), broken)
    assert code == 1
    with psycopg.connect(database) as connection:
        (session,) = connection.execute("select history_id from history_sessions").fetchall()
        assert connection.execute("select distinct history_id from timelines").fetchall() == [session]
    # The rest of the import fails again, but in the same session.
    assert tierline("facts", "import", "--history", str(path), broken)[0] == 1
    with psycopg.connect(database) as connection:
        assert connection.execute("select history_id from history_sessions").fetchall() == [session]


def test_a_file_that_is_none_is_refused(tierline: Any, tmp_path: Path) -> None:
    assert tierline("facts", "import", str(tmp_path / "none.ndjson"))[0] == 1
