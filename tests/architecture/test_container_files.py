"""Dockerfile and compose.yaml against what they speak of. No engine runs here: the images are not built."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from infrastructure.local_stack.jars import locked_jars
from infrastructure.settings import Settings
from tests.architecture.rules import ROOMS

CHECKOUT = Path(__file__).parents[2]
DOCKERFILE = (CHECKOUT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((CHECKOUT / "compose.yaml").read_text())


def test_the_services_are_those_of_the_embedded_stack_and_our_two(compose: dict[str, Any]) -> None:
    assert compose["services"].keys() == {"postgres", "redis", "broker", "opensearch", "api", "worker"}
    images = {name: service["image"] for name, service in compose["services"].items()}
    assert images["postgres"] == "postgres:18"
    (version,) = {jar.version for jar in locked_jars() if jar.artifact == "opensearch"}
    assert images["opensearch"] == f"opensearchproject/opensearch:{version}"


def test_every_variable_is_a_setting_and_reaches_a_service(compose: dict[str, Any]) -> None:
    for name in ("api", "worker"):
        service = compose["services"][name]
        assert service["depends_on"].keys() == compose["services"].keys() - {"api", "worker"}
        for variable, value in service["environment"].items():
            assert variable.removeprefix("TIERLINE_").lower() in Settings.model_fields, variable
            for host in re.findall(r"@?/*(\w+):(?:5432|6379|9200)", value):
                assert host in compose["services"], value
    for variable in re.findall(r"\bTIERLINE_(\w+)=", DOCKERFILE):
        assert variable.lower() in Settings.model_fields, variable


def test_every_volume_is_declared_and_used(compose: dict[str, Any]) -> None:
    used = {volume.split(":")[0] for service in compose["services"].values() for volume in service.get("volumes", [])}
    assert used == compose["volumes"].keys()


def test_only_the_api_is_published_and_only_here(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"api": ["127.0.0.1:8080:8080"]}


def test_what_the_image_copies_and_starts_is_there(compose: dict[str, Any]) -> None:
    copied = set(re.findall(r"^COPY (?!--)(.+) \S+$", DOCKERFILE, re.MULTILINE))
    names = {name for line in copied for name in line.split()}
    assert names >= set(ROOMS)
    kept = set(re.findall(r"^!(\S+)$", (CHECKOUT / ".dockerignore").read_text(), re.MULTILINE))
    assert names == kept
    assert all((CHECKOUT / name).exists() for name in names)
    for command in (
        re.search(r"^CMD (\[.+\])$", DOCKERFILE, re.MULTILINE)[1],
        compose["services"]["worker"]["command"],
    ):  # type: ignore[index]
        *_, module = yaml.safe_load(command) if isinstance(command, str) else command
        assert find_spec(module), module


def test_uv_is_pinned_to_one_version() -> None:
    makefile = re.search(r"^UV := (\S+)$", (CHECKOUT / "Makefile").read_text(), re.MULTILINE)
    assert makefile
    assert f"uv=={makefile[1]}" in DOCKERFILE
