"""OpenSearch's jars: fetched once by jgo from the locked list, checked by hash, kept outside the checkout."""

import hashlib
import logging
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from infrastructure.local_stack.addresses import locked
from infrastructure.local_stack.server import PartBroken

if TYPE_CHECKING:
    from jgo.maven import Artifact, MavenContext

LOCK_FILE = Path(__file__).with_name("opensearch.lock.toml")
_DOWNLOADS_AT_ONCE = 8
_TRIES = 3


@dataclass(frozen=True)
class Jar:
    """A line of the lock file. `place` is `lib` or the module that loads it."""

    place: str
    group: str
    artifact: str
    version: str
    sha256: str
    classifier: str = ""


def locked_jars(lock_file: Path = LOCK_FILE) -> list[Jar]:
    """The lock file's jars."""
    return [Jar(**jar) for jar in tomllib.loads(lock_file.read_text())["jars"]]


def default_cache() -> Path:
    """The platform's cache directory of this user."""
    return platformdirs.user_cache_path("tierline")


def jars_directory(cache: Path) -> Path:
    """Where the jars of this lock file lie once they are complete: a directory for each place."""
    return cache / f"opensearch-{hashlib.sha256(LOCK_FILE.read_bytes()).hexdigest()[:16]}"


def fetch_jars(cache: Path, progress: Callable[[str, float | None], None]) -> Path:
    """The directory of the checked jars, filled if it is not there yet. Raises PartBroken when it cannot be."""
    complete = jars_directory(cache)
    if complete.exists():
        return complete
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / "opensearch.lock"):
            if not complete.exists():
                _fill(complete, cache, progress)
    except (OSError, ImportError) as error:  # the network's errors are OSErrors too
        raise PartBroken(
            f"OpenSearch's jars could not be fetched into {cache}: {error}",
            "Check the network (a Maven repository must be reachable) and that the directory is writable "
            "(TIERLINE_CACHE moves it), or set TIERLINE_OPENSEARCH_URL to an OpenSearch 3 of your own.",
        ) from error
    return complete


def _fill(complete: Path, cache: Path, progress: Callable[[str, float | None], None]) -> None:
    from jgo.maven import MavenContext  # slow to load, and needed once in a machine's life

    # jgo reports each download to its log: the stack reports them itself, as one.
    logging.getLogger("jgo").setLevel(logging.WARNING)
    context = MavenContext(repo_cache=cache / "maven", timeout=60)
    jars = locked_jars()
    draft = Path(tempfile.mkdtemp(prefix="draft-", dir=cache))
    try:
        progress("fetching its jars", 0.0)
        with ThreadPoolExecutor(_DOWNLOADS_AT_ONCE) as pool:
            fetched = [pool.submit(_fetch, jar, context, draft) for jar in jars]
            for done, future in enumerate(as_completed(fetched), start=1):
                future.result()
                progress("fetching its jars", done / len(jars))
        draft.chmod(0o755)
        draft.rename(complete)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(cache / "maven", ignore_errors=True)


def _fetch(jar: Jar, context: "MavenContext", draft: Path) -> None:
    artifact = context.project(jar.group, jar.artifact).at_version(jar.version).artifact(jar.classifier)
    for attempt in range(1, _TRIES + 1):
        try:
            path = artifact.resolve()
            _check(jar, path)
            break
        except (OSError, RuntimeError) as error:
            # What an interrupted download left is as wrong as a tampered one: away with it and again.
            _forget(artifact)
            if attempt == _TRIES:
                raise OSError(f"{jar.artifact} {jar.version}: {error}") from error
    place = draft / jar.place
    place.mkdir(exist_ok=True)
    # Two groups may publish the same artifact name, so the group is in the file name.
    shutil.copyfile(path, place / f"{jar.group}.{path.name}")


def _check(jar: Jar, path: Path) -> None:
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != jar.sha256:
        raise OSError(f"its SHA-256 is {found}, the lock file says {jar.sha256}")


def _forget(artifact: "Artifact") -> None:
    if artifact.cached_path:
        artifact.cached_path.unlink(missing_ok=True)
