"""What each refusal is over HTTP: one table, and the handlers that turn every error into a problem document."""

import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from application.access import KeyTooShort, KeyUnknown, NotAllowed, NotAuthenticated, RoleUnknown
from application.benefits.decided import UserKeepsMoving
from application.clock import ClockBackwards, ClockNotManual, ClockTooFar
from application.compliance.verify_receipt import NotADecision, UnknownEvent
from application.effects.measure_model_effect import MeasureInvalid, NoModelEffect
from application.evaluation.evaluate_due import UsersSetAside
from application.facts.record_facts import MalformedRequest, TooManyFacts
from application.idempotency import IdempotencyKeyInvalid, IdempotencyKeyReused, StillRunning
from application.overrides.ports import OverrideRequestDecided, OwnOverrideRequest, UnknownOverrideRequest
from application.queries import (
    CursorInvalid,
    InstantAhead,
    NoPreview,
    NotAbsorbed,
    PeriodBackwards,
    SchemeWithoutScopes,
    SegmentFieldUnknown,
    UnknownScheme,
    UnknownUser,
)
from application.runs.ports import UnknownRun
from application.shadow.ports import NoShadow
from application.standings.import_standings import StandingsInvalid
from application.tags.bulk_ports import BulkCannot, BulkInvalid, UnknownBulk
from application.tags.circles import TagCircle
from application.tier_models.fit_tier_model import LearnerNeeded, NothingToFitOn
from application.tier_models.learn import TooLittleHistory
from application.tier_models.ports import LearnerNotInstalled
from domain.benefits.reading import BenefitInvalid
from domain.benefits.refusals import (
    BenefitNotInForce,
    BudgetExhausted,
    BudgetNotOpen,
    BudgetOfAnotherCurrency,
    CapReached,
    GrantEnded,
    GrantEndsInPast,
    GrantingStopped,
    GrantRequestInvalid,
    MoreThanLeft,
    NotEntitled,
    NotInPart,
    RedeemedTooOften,
    StockBelowPromised,
    StockExhausted,
    UnknownBenefit,
    UnknownBudget,
    UnknownGrant,
)
from domain.budgets.refusals import (
    BudgetBelowPromised,
    BudgetDefined,
    BudgetInvalid,
    NothingWaits,
    OwnBudgetChange,
    StaleBudgetChange,
)
from domain.bulk_grants.refusals import (
    BulkGrantNotApproved,
    BulkGrantOutOfTurn,
    MembersUnclear,
    NobodyToGrant,
    OwnBulkGrant,
    UnknownBulkGrant,
)
from domain.definitions.refusals import DefinitionExists, DefinitionInvalid, DefinitionRetired, UnknownDefinition
from domain.facts.history import HistorySealed, SubjectInHistory, UnknownHistory
from domain.facts.kinds import KindRefused
from domain.grant_stops.scopes import NotStopped, StopInvalid
from domain.refusal import Refusal
from domain.strategies.refusals import (
    AssignmentRefused,
    DesignFixed,
    OwnStrategy,
    StaleStrategy,
    StrategiesInCircle,
    StrategyNotApproved,
    StrategyNotRunning,
    StrategyNotSubmitted,
    StrategyOver,
    StrategyStanding,
    UnknownArm,
    UnknownAssignment,
    UnknownStrategy,
    WindowInPast,
)
from domain.strategies.spec import StrategyInvalid
from domain.tags.definition import TagKeptByRule, TagValueInvalid
from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.migration import MigrationInvalid
from domain.tier_model.presets import PresetUnknown
from domain.tier_model.refusals import (
    ActivationTooEarly,
    AlreadyScheduled,
    CutsNotFitted,
    InForceStays,
    NotApproved,
    NotScheduled,
    NotSubmitted,
    OwnDraft,
    RolloutShrinks,
    ScheduledInPast,
    ShadowNeedsLive,
    StaleDraft,
    VersionPublished,
    VersionRetired,
    VersionUnknown,
)
from domain.tier_model.reviewing import WordsInvalid
from domain.tier_model.spec import ModelInvalid
from domain.user_tier.merging import FactsConflict, SameUser, UserIdInvalid, UserIdTaken
from domain.user_tier.overriding import HoldEndsInPast, HoldInvalid, NoStanding
from domain.user_tier.tagging import TagEndsInPast, TagInvalid
from interfaces.http.problems import problem
from interfaces.http.refusals import HypotheticalFactInvalid, HypotheticalNeedsDryRun
from projections.catalogue import UnknownReadModel

STATUS: dict[type[Exception], int] = {
    NotAuthenticated: 401,
    NotAllowed: 403,
    KeyUnknown: 404,
    NoModelEffect: 404,
    NoPreview: 404,
    NoShadow: 404,
    NotStopped: 404,
    NotAbsorbed: 404,
    PresetUnknown: 404,
    UnknownAssignment: 404,
    UnknownBenefit: 404,
    UnknownBudget: 404,
    UnknownBulkGrant: 404,
    UnknownBulk: 404,
    UnknownDefinition: 404,
    UnknownEvent: 404,
    UnknownGrant: 404,
    UnknownHistory: 404,
    UnknownOverrideRequest: 404,
    UnknownReadModel: 404,
    UnknownRun: 404,
    UnknownScheme: 404,
    UnknownStrategy: 404,
    UnknownUser: 404,
    VersionUnknown: 404,
    ActivationTooEarly: 409,
    AlreadyScheduled: 409,
    AssignmentRefused: 409,
    BenefitNotInForce: 409,
    BudgetExhausted: 409,
    BudgetNotOpen: 409,
    BudgetOfAnotherCurrency: 409,
    BulkGrantNotApproved: 409,
    BulkGrantOutOfTurn: 409,
    CapReached: 409,
    BudgetBelowPromised: 409,
    BudgetDefined: 409,
    ClockBackwards: 409,
    ClockNotManual: 409,
    CutsNotFitted: 409,
    DesignFixed: 409,
    GrantEnded: 409,
    GrantEndsInPast: 409,
    GrantingStopped: 409,
    BulkCannot: 409,
    DefinitionExists: 409,
    DefinitionRetired: 409,
    FactsConflict: 409,
    HistorySealed: 409,
    IdempotencyKeyReused: 409,
    InForceStays: 409,
    MoreThanLeft: 409,
    NoStanding: 409,
    NotEntitled: 409,
    NotInPart: 409,
    NotApproved: 409,
    NotScheduled: 409,
    NotSubmitted: 409,
    NothingWaits: 409,
    OverrideRequestDecided: 409,
    OwnBulkGrant: 409,
    OwnBudgetChange: 409,
    OwnDraft: 409,
    OwnOverrideRequest: 409,
    OwnStrategy: 409,
    RedeemedTooOften: 409,
    RolloutShrinks: 409,
    SameUser: 409,
    ShadowNeedsLive: 409,
    StaleBudgetChange: 409,
    StaleDraft: 409,
    StaleStrategy: 409,
    StockBelowPromised: 409,
    StillRunning: 409,
    StockExhausted: 409,
    StrategyNotApproved: 409,
    StrategyNotRunning: 409,
    StrategyNotSubmitted: 409,
    StrategyOver: 409,
    StrategyStanding: 409,
    SubjectInHistory: 409,
    UserKeepsMoving: 409,
    TagKeptByRule: 409,
    UserIdTaken: 409,
    UsersSetAside: 409,
    VersionPublished: 409,
    VersionRetired: 409,
    TooManyFacts: 413,
    BenefitInvalid: 422,
    BudgetInvalid: 422,
    ClockTooFar: 422,
    ConditionInvalid: 422,
    CursorInvalid: 422,
    GrantRequestInvalid: 422,
    BulkInvalid: 422,
    DefinitionInvalid: 422,
    HoldEndsInPast: 422,
    HoldInvalid: 422,
    HypotheticalFactInvalid: 422,
    HypotheticalNeedsDryRun: 422,
    IdempotencyKeyInvalid: 422,
    InstantAhead: 422,
    KeyTooShort: 422,
    KindRefused: 422,
    LearnerNeeded: 422,
    LearnerNotInstalled: 422,
    MalformedRequest: 422,
    MembersUnclear: 422,
    MeasureInvalid: 422,
    MigrationInvalid: 422,
    ModelInvalid: 422,
    NobodyToGrant: 422,
    NotADecision: 422,
    NothingToFitOn: 422,
    PeriodBackwards: 422,
    RoleUnknown: 422,
    ScheduledInPast: 422,
    SchemeWithoutScopes: 422,
    SegmentFieldUnknown: 422,
    StandingsInvalid: 422,
    StopInvalid: 422,
    TagCircle: 422,
    StrategiesInCircle: 422,
    StrategyInvalid: 422,
    TagEndsInPast: 422,
    TagInvalid: 422,
    TagValueInvalid: 422,
    TooLittleHistory: 422,
    UnknownArm: 422,
    WindowInPast: 422,
    UserIdInvalid: 422,
    WordsInvalid: 422,
}

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


_REMEDIES = {
    "extra_forbidden": "no such field is known here: correct its name, or leave it out",
    "missing": "is required: give it",
}


def _invalid(_request: Request, invalid: Exception) -> Response:
    assert isinstance(invalid, RequestValidationError)
    errors = [
        {
            "field": _path(error["loc"]),
            "value": None if error["type"] == "missing" else error.get("input"),
            "remedy": _REMEDIES.get(error["type"]) or error["msg"].removeprefix("Value error, "),
        }
        for error in invalid.errors()
    ]
    first = errors[0]
    detail = f"{first['field']}: {first['remedy']}" + (f" (and {len(errors) - 1} more)" if len(errors) > 1 else "")
    if invalid.errors()[0]["loc"][0] == "path":  # an id that nothing can have
        return problem(404, "not-found", _TITLES[404], detail, errors)
    return problem(422, "request-invalid", "The request is invalid", detail, errors)


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
