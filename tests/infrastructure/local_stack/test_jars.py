import hashlib
from pathlib import Path

import pytest

from infrastructure.local_stack import jars
from infrastructure.local_stack.server import PartBroken


def lock_one_jar(monkeypatch: pytest.MonkeyPatch, folder: Path, content: bytes) -> Path:
    """A lock file of one jar that no repository has, and the place in the cache where its download would lie."""
    lock = folder / "lock.toml"
    sha256 = hashlib.sha256(content).hexdigest()
    lock.write_text(
        f'[[jars]]\nplace = "lib"\ngroup = "io.tierline.nowhere"\nartifact = "x"\nversion = "1"\nsha256 = "{sha256}"\n'
    )
    monkeypatch.setattr(jars, "LOCK_FILE", lock)
    monkeypatch.setattr(jars, "locked_jars", lambda: jars_of(lock))
    downloaded = folder / "cache" / "maven" / "io" / "tierline" / "nowhere" / "x" / "1" / "x-1.jar"
    downloaded.parent.mkdir(parents=True)
    return downloaded


jars_of = jars.locked_jars


def test_every_locked_jar_has_a_hash_and_a_place() -> None:
    locked = jars.locked_jars()
    assert {jar.place for jar in locked} == {"lib", "transport-netty4", "lang-painless", "mapper-extras", "reindex"}
    assert all(len(jar.sha256) == 64 for jar in locked)


def test_jars_are_laid_out_by_place_and_told_about(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock_one_jar(monkeypatch, tmp_path, b"right").write_bytes(b"right")
    told: list[tuple[str, float | None]] = []
    directory = jars.fetch_jars(tmp_path / "cache", lambda what, share: told.append((what, share)))
    assert [path.read_bytes() for path in (directory / "lib").iterdir()] == [b"right"]
    assert told == [("fetching its jars", 0.0), ("fetching its jars", 1.0)]
    again = jars.fetch_jars(tmp_path / "cache", lambda what, share: pytest.fail("nothing is left to fetch"))
    assert again == directory


def test_a_jar_with_another_hash_is_thrown_away_and_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    downloaded = lock_one_jar(monkeypatch, tmp_path, b"right")
    downloaded.write_bytes(b"wrong")
    monkeypatch.setattr(jars, "_TRIES", 1)
    with pytest.raises(PartBroken) as broken:
        jars.fetch_jars(tmp_path / "cache", lambda what, share: None)
    assert "SHA-256" in broken.value.why
    assert "TIERLINE_OPENSEARCH_URL" in broken.value.remedy
    assert not downloaded.exists()
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name.startswith("draft")] == []
