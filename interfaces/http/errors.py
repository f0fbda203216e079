"""The handlers that turn every error into a problem document; what each refusal is stands in statuses.py."""

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from application.compliance.damage import RecordDamaged
from application.idempotency import StillRunning
from domain.refusal import Refusal
from interfaces.http.problems import problem
from interfaces.http.statuses import STATUS
from interfaces.http.writes import media_type_of

_log = structlog.get_logger(__name__)

RETRY_AFTER_SECONDS: dict[type[Exception], int] = {StillRunning: 1}

_OFF_RETRY_SECONDS = 2
_TITLES = {404: "Not found", 405: "Method not allowed", 413: "Too large", 415: "Unsupported media type"}
_BLAMED = {413: "body", 415: "Content-Type"}


def install(app: FastAPI, outages: Mapping[type[Exception], str]) -> None:
    """Answer every error of the app with a problem document. outages: driver errors that say a part is off."""
    for refusal in STATUS:
        app.add_exception_handler(refusal, _refused)
    for outage, part in outages.items():
        app.add_exception_handler(outage, _off(part))
    app.add_exception_handler(RecordDamaged, _damaged)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _fault)


def refusal_problem(refusal: Exception) -> Response:
    """The problem document of a refusal that stands in the table."""
    kind = type(refusal)
    return problem(
        STATUS[kind],
        _kebab(kind.__name__),
        _words(kind.__name__),
        str(refusal),
        complaints_of(refusal),
        retry_after_seconds=RETRY_AFTER_SECONDS.get(kind),
    )


def complaints_of(refusal: Exception) -> list[dict[str, Any]]:
    """{field, value, remedy} of each value that a refusal blames, with line and column where a text was read."""
    assert isinstance(refusal, Refusal)
    places = getattr(refusal, "errors", None) or [refusal]
    complaints = []
    for blamed, place in zip_longest(refusal.complaints, places):
        if blamed is not None:
            complaint = {"field": blamed.field, "value": blamed.value, "remedy": blamed.remedy}
            if getattr(place, "line", None) is not None:
                complaint |= {"line": place.line, "column": place.column}
            complaints.append(complaint)
    return complaints


def _refused(_request: Request, refusal: Exception) -> Response:
    return refusal_problem(refusal)


def _off(part: str) -> Any:
    def answer(_request: Request, _outage: Exception) -> Response:
        return problem(
            503,
            "part-unavailable",
            "A part is unavailable",
            f"{part} does not answer at the moment. Whatever this request began, repeating it ends well.",
            [
                {
                    "field": part,
                    "value": None,
                    "remedy": "repeat the request; GET /readyz says which part is off and why",
                }
            ],
            retry_after_seconds=_OFF_RETRY_SECONDS,
        )

    return answer


# By the reader's own name of the mistake; it says what was expected, which is filled in.
_REMEDIES = {
    "extra_forbidden": "no such field is known here: correct its name, or leave it out",
    "missing": "is required: give it",
    "string_unicode": "has half a character in it: write the whole character",
    "string_type": "give text",
    "string_too_short": "give at least {min_length} characters",
    "string_too_long": "give at most {max_length} characters",
    "literal_error": "give {expected}",
    "bool_type": "give true or false",
    "bool_parsing": "give true or false",
    "int_type": "give a whole number",
    "int_parsing": "give a whole number",
    "int_from_float": "give a whole number",
    "float_type": "give a number",
    "float_parsing": "give a number",
    "finite_number": "give a finite number",
    "greater_than": "give a number above {gt}",
    "greater_than_equal": "give a number of at least {ge}",
    "less_than": "give a number below {lt}",
    "less_than_equal": "give a number of at most {le}",
    "too_short": "give at least {min_length}, not {actual_length}",
    "too_long": "give at most {max_length}, not {actual_length}",
    "list_type": "give a list",
    "dict_type": "give an object",
    "model_attributes_type": "give an object",
    "uuid_type": "give an id as it was answered",
    "uuid_parsing": "give an id as it was answered",
}


def _invalid(request: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)
    if isinstance(invalid.body, bytes):  # left as it was sent, for it says that it is something else
        detail = f"{media_type_of(request)!r} is not understood here: send application/json."
        return _http(request, HTTPException(415, detail))
    errors = [_complaint(error) for error in invalid.errors()]
    first = errors[0]
    detail = f"{first['field']}: {first['remedy']}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
    if invalid.errors()[0]["loc"][0] == "path":  # an id that nothing can have
        return problem(404, "not-found", _TITLES[404], detail, errors)
    return problem(422, "request-invalid", "The request is invalid", detail, errors)


def _complaint(error: Mapping[str, Any]) -> dict[str, Any]:
    if error["type"] == "json_invalid":
        remedy = f"is no JSON, from character {error['loc'][1] + 1} on: {error['ctx']['error']}"
        return {"field": "body", "value": None, "remedy": remedy}
    known = _REMEDIES.get(error["type"])
    told = error["msg"].removeprefix("Value error, ")
    return {
        "field": _path(error["loc"]),
        "value": None if error["type"] == "missing" else error.get("input"),
        "remedy": told if known is None else known.format_map(error.get("ctx", {})),
    }


def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 400:  # what the framework says of a body that it cannot read
        remedy = "send one JSON object in UTF-8, not nested deeply, its numbers not of thousands of digits"
        unread = [{"field": "body", "value": None, "remedy": remedy}]
        return problem(422, "request-invalid", "The request is invalid", f"body: {remedy}", unread)
    title = _TITLES.get(error.status_code, "The request failed")
    details = {
        404: f"There is nothing at {request.url.path}.",
        405: f"{request.method} is not possible at {request.url.path}.",
    }
    detail = error.detail if error.detail not in ("Not Found", "Method Not Allowed") else details[error.status_code]
    blamed = _BLAMED.get(error.status_code)
    errors = [{"field": blamed, "value": None, "remedy": detail}] if blamed else []
    answer = problem(error.status_code, _kebab(title.title().replace(" ", "")), title, detail, errors)
    answer.headers.update(error.headers or {})
    return answer


def _damaged(request: Request, damaged: Exception) -> Response:
    assert isinstance(damaged, RecordDamaged)
    _log.error("record_damaged", path=request.url.path, cause=str(damaged), subject_id=str(damaged.subject_id))
    remedy = "tell whoever runs this installation: its log names the record, and `tierline verify receipts` finds all"
    blamed = {"field": damaged.part, "value": None, "remedy": remedy}
    detail = f"What is recorded as {damaged.part} of this user does not open any more; it has been logged."
    return problem(500, "record-damaged", "A record is damaged", detail, [blamed])


def _fault(_request: Request, _error: Exception) -> Response:
    # The server logs the traceback once; the caller learns nothing of the inside.
    return problem(500, "fault", "A fault on our side", "The request met a fault on our side; it has been logged.")


def _path(location: tuple[int | str, ...]) -> str:
    """The field, without where it stood (body, query, path), unless all of that is meant."""
    return ".".join(str(part) for part in location[1:] or location)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _words(name: str) -> str:
    return _kebab(name).replace("-", " ").capitalize()
