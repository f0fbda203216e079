"""Bodies read numbers as numbers: neither text nor true is one, in whatever body it stands."""

from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from interfaces.http.main import _ROUTERS
from tests.interfaces.http.conftest import Api
from tests.interfaces.http.test_bad_input import problem


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a body's type names, with those of their fields."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    for part in get_args(annotation):
        yield from models_in(part)


def body_fields() -> dict[str, FieldInfo]:
    """By route and name."""
    bodies = [
        (route.name, route.body_field.field_info.annotation)
        for module in _ROUTERS
        for route in module.router.routes
        if getattr(route, "body_field", None) is not None
    ]
    return {
        f"{route}: {model.__name__}.{name}": field
        for route, annotation in bodies
        for model in models_in(annotation)
        for name, field in model.model_fields.items()
    }


def test_there_are_bodies_to_look_at() -> None:
    assert len(body_fields()) > 100


@pytest.mark.parametrize("value", ["1", "true", True, 1])
def test_no_body_takes_one_thing_for_another(value: str | int) -> None:
    for named, field in body_fields().items():
        try:
            found = TypeAdapter(field.rebuild_annotation()).validate_python(value)
        except ValidationError:
            continue
        same = type(found) is type(value) or (type(value), type(found)) == (int, float)
        assert same or not isinstance(found, (int, float)), f"{named} takes {value!r} for {found!r}"


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/segments/search", {"size": "10"}, "size"),
        ("/v1/users/u-1/evaluations", {"dry_run": "true"}, "dry_run"),
        ("/v1/bulk-grants", {"benefit": "b", "reason": "r", "where": "tag('x')", "units": True}, "units"),
    ],
)
def test_text_is_not_a_number(api: Api, path: str, body: dict[str, Any], field: str) -> None:
    found = problem(api.client.post(path, json=body), 422)
    assert [error["field"] for error in found["errors"]] == [field]
