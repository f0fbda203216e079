"""Query parameters that a route does not know are refused: a misspelled `as_of` would be answered as of now."""

from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant

from domain.refusal import Complaint, Refusal


class UnknownQueryParameter(Refusal):
    """The route takes no such parameter."""

    def __init__(self, unknown: dict[str, str], known: list[str]) -> None:
        remedy = f"correct its name, or leave it out; known here: {', '.join(known) or 'none'}"
        super().__init__(
            f"This route knows no query parameter {', '.join(unknown)}.",
            *(Complaint(name, value, remedy) for name, value in unknown.items()),
        )


def require_known(request: Request) -> None:
    """Costs nothing where the query is empty. Raises UnknownQueryParameter."""
    if not request.scope["query_string"]:
        return
    known = _declared(request.scope["route"])
    unknown = {name: value for name, value in request.query_params.items() if name not in known}
    if unknown:
        raise UnknownQueryParameter(unknown, sorted(known))


def _declared(route: Any) -> set[str]:
    """By its signature, by its dependencies, and in the published document by a route that reads its query itself."""
    published = (route.openapi_extra or {}).get("parameters", ())
    return _of(route.dependant) | {parameter["name"] for parameter in published if parameter["in"] == "query"}


def _of(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_of(needed) for needed in dependant.dependencies))
