"""A user's story, folded into where the user stands."""

from typing import Any
from uuid import UUID, uuid4

from domain.user_tier.aggregate import UserTier
from domain.user_tier.events import DowngradeDeferred, TierAtRisk, TierChanged, TierRequalified
from domain.user_tier.observation import Standing

SUBJECT = UUID(int=7)


def enrolled() -> UserTier:
    return UserTier.enrol(SUBJECT, at=1, actor="evaluator", command_id="", causation="fact")


def record(user: UserTier, event_class: Any, at: int, *, scheme: str = "value", scope: str = "", **fields: Any) -> None:
    clear = {"from_tier": None, "to_tier": "mid", "actor": "evaluator", "command_id": "", "causation": ""}
    own: dict[str, Any] = {"cause": "evaluation", "receipt": {}}
    user.record(event_class, effective_at=at, scheme=scheme, scope=scope, **{**clear, **own, **fields})


def test_enrolment_is_the_first_event_and_stands_nowhere() -> None:
    user = enrolled()
    assert (user.id, user.version, user.standings) == (SUBJECT, 1, {})
    assert user.standing("value") is None


def test_a_change_moves_the_standing_of_its_scheme_and_scope() -> None:
    user = enrolled()
    record(user, TierChanged, 10, to_tier="low")
    record(user, TierChanged, 20, to_tier="mid")
    record(user, TierChanged, 30, scheme="behaviour", scope="shop-1", to_tier="active")
    assert user.standing("value") == Standing(
        tier="mid", since=20, valid_from=20, last_decided=20, event_id=f"{SUBJECT.hex}-3"
    )
    assert user.standing("behaviour") is None
    assert user.standings["behaviour"]["shop-1"].tier == "active"


def test_grace_begins_and_requalifying_ends_it() -> None:
    user = enrolled()
    record(user, TierChanged, 10)
    record(user, DowngradeDeferred, 20, grace_until=50)
    record(user, TierAtRisk, 20, at_risk_on=50)
    assert user.standing("value") == Standing(
        tier="mid", since=10, valid_from=10, last_decided=20, grace_until=50, event_id=f"{SUBJECT.hex}-2"
    )
    record(user, TierRequalified, 30)
    assert user.standing("value") == Standing(
        tier="mid", since=10, valid_from=30, last_decided=30, event_id=f"{SUBJECT.hex}-2"
    )


def test_a_model_change_may_carry_the_standing_over() -> None:
    user = enrolled()
    record(user, TierChanged, 10)
    record(user, DowngradeDeferred, 20, grace_until=50)
    record(user, TierChanged, 30, to_tier="middle", cause="model-change", keeps_since=True)
    assert user.standing("value") == Standing(
        tier="middle", since=10, valid_from=10, last_decided=30, grace_until=50, event_id=f"{SUBJECT.hex}-4"
    )


def test_the_domain_reads_no_clock() -> None:
    """Two runs at different times give equal events, time of occurrence included."""
    subject_id = uuid4()
    first, second = (UserTier.enrol(subject_id, at=5, actor="a", command_id="", causation="") for _ in range(2))
    assert first.collect_events() == second.collect_events()
