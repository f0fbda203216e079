"""Query parameters that a route almost knows are refused: a misspelled `as_of` would be answered as of now. Whatever
else a caller adds for purposes of its own is of no account."""

from difflib import get_close_matches
from typing import Any

from fastapi import Request
from fastapi.dependencies.models import Dependant

from domain.refusal import Complaint, Refusal

_ALIKE = 0.75  # of two names, their capitals, dashes and underscores apart


class QueryParameterMisspelled(Refusal):
    """The route takes no such parameter, and one that is called nearly so."""

    def __init__(self, meant: dict[str, str], values: dict[str, str]) -> None:
        super().__init__(
            f"This route knows no query parameter {', '.join(meant)}.",
            *(Complaint(name, values[name], f"did you mean {known}?") for name, known in meant.items()),
        )


def require_known(request: Request) -> None:
    """Costs nothing where the query is empty. Raises QueryParameterMisspelled."""
    if not request.scope["query_string"]:
        return
    known = _declared(request.scope["route"])
    values = {name: value for name, value in request.query_params.items() if name not in known}
    plain = {_plain(name): name for name in sorted(known)}
    near = {name: get_close_matches(_plain(name), plain, 1, _ALIKE) for name in values}
    meant = {name: plain[found[0]] for name, found in near.items() if found}
    if meant:
        raise QueryParameterMisspelled(meant, values)


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _declared(route: Any) -> set[str]:
    """By its signature, by its dependencies, and in the published document by a route that reads its query itself."""
    published = (route.openapi_extra or {}).get("parameters", ())
    return _of(route.dependant) | {parameter["name"] for parameter in published if parameter["in"] == "query"}


def _of(dependant: Dependant) -> set[str]:
    own = {field.alias for field in dependant.query_params}
    return own.union(*(_of(needed) for needed in dependant.dependencies))
