"""Why a user stands where they stand, in words."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from application.access import Permission
from application.evaluation.explain_user import Explanation
from domain.facts.fact import Fact
from domain.tier_model.words import Language
from interfaces.http.access import allow
from interfaces.http.answers import answer, instant_text
from interfaces.http.evaluations import supposed_facts
from interfaces.http.examples import EXPLANATION
from interfaces.http.system import SystemDep
from interfaces.http.users import UserId

router = APIRouter(prefix="/v1/users", tags=["users"])

Scheme = Annotated[str | None, Query(description="Only this scheme.", examples=["value"])]
Scope = Annotated[str | None, Query(description="Only this merchant, of schemes that are kept per merchant.")]
Lang = Annotated[Language, Query(description="Of the sentences: `zh-CN` or `en`.")]


class Supposition(BaseModel):
    """What is to be supposed."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"hypothetical_facts": [{"kind": "order", "amount": 20_000, "currency": "CNY"}]}]
        },
    )

    hypothetical_facts: list[dict[str, Any]] = Field(
        default=[], max_length=1_000, description="As in `POST /v1/users/{user_id}/evaluations`."
    )


@router.get(
    "/{user_id:path}/explanation",
    responses=EXPLANATION,
    summary="Why this tier, in words",
    dependencies=[allow(Permission.READ_USERS)],
)
def explain_user(
    system: SystemDep, user_id: UserId, scheme: Scheme = None, scope: Scope = None, lang: Lang = "en"
) -> Response:
    """As of now: the rule that decided and its numbers, what holds the tier, what the next one takes, and what would
    make it drop and when, if nothing more happens. Nothing is recorded."""
    return _explained(system, user_id, scheme, scope, lang, [])


@router.post(
    "/{user_id:path}/explanation",
    responses=EXPLANATION,
    summary="Why which tier, if something happened",
    dependencies=[allow(Permission.TRY_OUT)],
)
def explain_supposition(
    system: SystemDep,
    user_id: UserId,
    supposition: Supposition,
    scheme: Scheme = None,
    scope: Scope = None,
    lang: Lang = "en",
) -> Response:
    """The same as if the supposed facts had come in now. Nothing is recorded."""
    facts = supposed_facts(system, user_id, supposition.hypothetical_facts)
    return _explained(system, user_id, scheme, scope, lang, facts)


def _explained(
    system: Any, user_id: str, scheme: str | None, scope: str | None, lang: Language, facts: list[Fact]
) -> Response:
    found: Explanation = system.explain_user(user_id, lang, scheme=scheme, scope=scope, hypothetical_facts=facts)
    return answer(
        {
            "user_id": user_id,
            "as_of": instant_text(found.as_of),
            "lang": found.language,
            "explanations": found.explanations,
            **({"scopes": found.scopes} if found.scopes else {}),
        }
    )
