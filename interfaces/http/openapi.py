"""The published OpenAPI document: keys, problems and facts beside what the routes say themselves."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from interfaces.http.examples import COMPONENT_SCHEMAS

_DESCRIPTION = """The book of record for user tiers: facts in, versioned tier models, immutable decisions with receipts.

Every request under `/v1` carries `Authorization: Bearer tl_...`. Times are RFC 3339 in UTC, money is in whole minor
units, positions are opaque and ordered. A refusal is a problem document that names field, value and remedy."""


def describe(app: FastAPI) -> dict[str, Any]:
    """The document, made once."""
    if app.openapi_schema:
        return app.openapi_schema
    document = get_openapi(title=app.title, version=app.version, description=_DESCRIPTION, routes=app.routes)
    components = document.setdefault("components", {})
    components.setdefault("schemas", {}).update(COMPONENT_SCHEMAS)
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "An API key: `tl_KEYID_SECRET`."}
    }
    document["security"] = [{"key": []}]
    for path in document["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)  # the framework's own shape: ours is a problem document, 4XX
    app.openapi_schema = document
    return document
