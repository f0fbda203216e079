"""Everything recorded for one user. A stored name (TOPIC) never changes its meaning; a new shape is a new version."""

from typing import TYPE_CHECKING, Any, ClassVar
from uuid import UUID

from eventsourcing.domain import AggregateEvent, CanInitAggregate
from eventsourcing.utils import register_topic

if TYPE_CHECKING:
    from domain.user_tier.aggregate import UserTier

AGGREGATE_TOPIC = "user-tier"

# What the log is queried by: these fields stay in clear columns, the others are sealed.
CLEAR_FIELDS = (
    "scheme",
    "scope",
    "from_tier",
    "to_tier",
    "effective_at",
    "actor",
    "command_id",
    "causation",
)


class SubjectEvent(AggregateEvent):
    """An event of one subject. effective_at: the decision's instant, microseconds; scope '' is the platform."""

    TOPIC: ClassVar[str]

    scheme: str
    scope: str
    from_tier: str | None
    to_tier: str | None
    effective_at: int
    actor: str
    command_id: str
    causation: str

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        register_topic(cls.TOPIC, cls)

    def apply(self, aggregate: "UserTier") -> None:
        """Hand itself to the aggregate, which holds the whole fold in one place."""
        aggregate.evolve(self)


class UserEnrolled(CanInitAggregate[UUID], SubjectEvent):
    """The subject's first event: from here on it stands on schemes."""

    TOPIC = "user-tier.user-enrolled.v1"

    originator_topic: str = AGGREGATE_TOPIC


class TierChanged(SubjectEvent):
    """The standing moved from from_tier (None: it had none) to to_tier.

    cause: evaluation, timer, late-fact, override, override-ended, model-change, history or opening.
    keeps_since: a model change carried the standing over, with its since, grace and validity. opened: of an opening,
    since and valid_until in microseconds, and the growth value carried in.
    """

    TOPIC = "user-tier.tier-changed.v1"

    cause: str
    receipt: dict[str, Any]
    keeps_since: bool = False
    opened: dict[str, Any] | None = None


class TierRequalified(SubjectEvent):
    """The tier was earned again: validity counts anew and a running grace is over."""

    TOPIC = "user-tier.tier-requalified.v1"

    cause: str
    receipt: dict[str, Any]


class DowngradeDeferred(SubjectEvent):
    """The tier would be lost; grace holds it until grace_until, microseconds."""

    TOPIC = "user-tier.downgrade-deferred.v1"

    grace_until: int
    cause: str
    receipt: dict[str, Any]


class TierAtRisk(SubjectEvent):
    """A warning: the tier may be lost at at_risk_on, microseconds."""

    TOPIC = "user-tier.tier-at-risk.v1"

    at_risk_on: int
    cause: str
    receipt: dict[str, Any]


class GrowthSettled(SubjectEvent):
    """Validity ended on a scheme of growth value: what was carried in and earned since, what the tier deducted, and the
    balance that is carried on."""

    TOPIC = "user-tier.growth-settled.v1"

    carried: int
    earned: int
    deducted: int
    balance: int
    cause: str
    receipt: dict[str, Any]


class TierPinned(SubjectEvent):
    """A person holds the standing by to_tier from effective_at on: exact, floor or ceiling. until: microseconds; None:
    until it is lifted. approved_by: who else agreed, where that was asked for."""

    TOPIC = "user-tier.tier-pinned.v1"

    mode: str
    until: int | None
    reason: str
    approved_by: str | None = None


class TierUnpinned(SubjectEvent):
    """The pin is over: lifted by a person (reason), or at its end (cause and receipt)."""

    TOPIC = "user-tier.tier-unpinned.v1"

    reason: str = ""
    cause: str = ""
    receipt: dict[str, Any] | None = None


class TierFrozen(SubjectEvent):
    """Nothing moves on the scheme from effective_at on. until: microseconds; None: until it is lifted."""

    TOPIC = "user-tier.tier-frozen.v1"

    until: int | None
    reason: str


class TierUnfrozen(SubjectEvent):
    """The freeze is over: lifted by a person (reason), or at its end (cause and receipt)."""

    TOPIC = "user-tier.tier-unfrozen.v1"

    reason: str = ""
    cause: str = ""
    receipt: dict[str, Any] | None = None


class TagAdded(SubjectEvent):
    """The subject has the tag from effective_at on. until: when it ends by itself, microseconds; None: never.

    value: of a tag that is defined with values.
    """

    TOPIC = "user-tier.tag-added.v1"

    tag: str
    until: int | None
    reason: str
    value: int | float | str | bool | None = None


class TagRemoved(SubjectEvent):
    """The subject has the tag no more."""

    TOPIC = "user-tier.tag-removed.v1"

    tag: str
    reason: str


class BenefitGranted(SubjectEvent):
    """Units of one version of a benefit, promised until expires_at (microseconds; None: for good).

    cost: units at their unit cost, minor units of `currency`, charged to `budgets`. tiers: where the subject stood, by
    scheme. cause: what asked for it; run_id: of a bulk grant.
    """

    TOPIC = "user-tier.benefit-granted.v1"

    grant_id: str
    benefit: str
    benefit_version: int
    kind: str
    units: int
    cost: int
    currency: str
    expires_at: int | None
    tiers: dict[str, str]
    budgets: list[str]
    cause: str
    reason: str = ""
    order_id: str = ""
    campaign: str = ""
    strategy: str = ""
    assignment_id: str = ""
    run_id: str | None = None


class BenefitRedeemed(SubjectEvent):
    """Units of a grant were used. left: what can still be."""

    TOPIC = "user-tier.benefit-redeemed.v1"

    grant_id: str
    benefit: str
    benefit_version: int
    units: int
    cost: int
    currency: str
    left: int
    order_id: str = ""


class BenefitRevoked(SubjectEvent):
    """What was left of a grant will not be used. clawback: by its policy, after a refund or a downgrade (causation).

    reclaimed: units that were used, and are owed back.
    """

    TOPIC = "user-tier.benefit-revoked.v1"

    grant_id: str
    benefit: str
    benefit_version: int
    units: int
    cost: int
    currency: str
    clawback: bool
    reclaimed: int = 0
    reason: str = ""


class BenefitExpired(SubjectEvent):
    """What was left of a grant at its end, effective_at."""

    TOPIC = "user-tier.benefit-expired.v1"

    grant_id: str
    benefit: str
    benefit_version: int
    units: int
    cost: int
    currency: str


class StrategyAssigned(SubjectEvent):
    """A strategy took the subject in. arm: None for who is held out; holdout: of the whole programme or the strategy.

    trigger: what set it off: kind, event_id, at (microseconds), scheme, scope, tier. baseline: tiers and features as
    they were, frozen before anything was done. actions: what is to be done, from due_at on; ends_at: when it is over.
    """

    TOPIC = "user-tier.strategy-assigned.v1"

    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str | None
    holdout: str
    trigger: dict[str, Any]
    baseline: dict[str, Any]
    actions: list[dict[str, Any]]
    due_at: int | None
    ends_at: int
    campaign: str = ""
    run_id: str | None = None


class StrategyExposed(SubjectEvent):
    """What was to be done was done, all or in part. actions: each with its outcome: done (with the id of what came of
    it), suppressed or refused (with the reason)."""

    TOPIC = "user-tier.strategy-exposed.v1"

    strategy: str
    strategy_version: int
    assignment_id: str
    arm: str
    actions: list[dict[str, Any]]


class StrategySkipped(SubjectEvent):
    """A strategy did not take the subject in (assignment_id empty), or did nothing of what was to be done. reason: why;
    detail: more of it; actions: as in StrategyExposed."""

    TOPIC = "user-tier.strategy-skipped.v1"

    strategy: str
    strategy_version: int
    reason: str
    detail: str
    trigger: dict[str, Any]
    assignment_id: str
    actions: list[dict[str, Any]]


class StrategyEnded(SubjectEvent):
    """The assignment is over. reason: by hand, its time, the strategy's end, or a bulk assignment taken back."""

    TOPIC = "user-tier.strategy-ended.v1"

    strategy: str
    strategy_version: int
    assignment_id: str
    reason: str = ""


EVENTS: tuple[type[SubjectEvent], ...] = (
    UserEnrolled,
    TierChanged,
    TierRequalified,
    DowngradeDeferred,
    TierAtRisk,
    GrowthSettled,
    TierPinned,
    TierUnpinned,
    TierFrozen,
    TierUnfrozen,
    TagAdded,
    TagRemoved,
    BenefitGranted,
    BenefitRedeemed,
    BenefitRevoked,
    BenefitExpired,
    StrategyAssigned,
    StrategyExposed,
    StrategySkipped,
    StrategyEnded,
)
