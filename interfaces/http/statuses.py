"""What each refusal is over HTTP: the one table."""

from application.access import KeyNameInvalid, KeyTooShort, KeyUnknown, NotAllowed, NotAuthenticated, RoleUnknown
from application.benefits.decided import UserKeepsMoving
from application.benefits.ledger.ports import LedgerQuestionInvalid
from application.campaigns.ports import UnknownCampaign
from application.clock import ClockBackwards, ClockNotManual, ClockTooFar
from application.compliance.verify_receipt import NotADecision, UnknownEvent
from application.effects.measure_model_effect import MeasureInvalid, NoModelEffect
from application.evaluation.evaluate_due import UsersSetAside
from application.facts.record_facts import MalformedRequest, TooManyFacts
from application.idempotency import IdempotencyKeyInvalid, IdempotencyKeyReused, StillRunning
from application.overrides.ports import (
    OverrideImpossible,
    OverrideRequestDecided,
    OwnOverrideRequest,
    UnknownOverrideRequest,
)
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
from application.shadow.ports import NoShadow, UnknownTier
from application.standings.import_standings import StandingsInvalid
from application.strategies.bulk_ports import (
    BulkAssignmentCannot,
    BulkAssignmentInvalid,
    BulkNeedsAnother,
    SegmentNoCondition,
    UnknownBulkAssignment,
)
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
from domain.campaigns.spec import CampaignInvalid
from domain.definitions.refusals import DefinitionExists, DefinitionInvalid, DefinitionRetired, UnknownDefinition
from domain.facts.history import HistorySealed, SubjectInHistory, UnknownHistory
from domain.facts.kinds import KindRefused
from domain.grant_stops.scopes import NotStopped, StopInvalid
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
    AlreadyInForce,
    AlreadyScheduled,
    CutsNotFitted,
    InForceChanged,
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
from domain.user_tier.merging import FactsConflict, FactsSplitOff, SameUser, UserIdInvalid, UserIdTaken
from domain.user_tier.overriding import HoldEndsInPast, HoldInvalid, NoStanding
from domain.user_tier.splitting import NobodyStays, SplitInvalid, UserIdOfAnother
from domain.user_tier.tagging import TagEndsInPast, TagInvalid
from interfaces.http.query_parameters import QueryParameterMisspelled
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
    UnknownBulkAssignment: 404,
    UnknownCampaign: 404,
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
    AlreadyInForce: 409,
    AlreadyScheduled: 409,
    AssignmentRefused: 409,
    BenefitNotInForce: 409,
    BudgetExhausted: 409,
    BudgetNotOpen: 409,
    BudgetOfAnotherCurrency: 409,
    BulkAssignmentCannot: 409,
    BulkNeedsAnother: 409,
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
    FactsSplitOff: 409,
    HistorySealed: 409,
    IdempotencyKeyReused: 409,
    InForceChanged: 409,
    InForceStays: 409,
    MoreThanLeft: 409,
    NoStanding: 409,
    NotEntitled: 409,
    NotInPart: 409,
    NotApproved: 409,
    NotScheduled: 409,
    NotSubmitted: 409,
    NothingWaits: 409,
    OverrideImpossible: 409,
    OverrideRequestDecided: 409,
    OwnBudgetChange: 409,
    OwnBulkGrant: 409,
    OwnDraft: 409,
    OwnOverrideRequest: 409,
    OwnStrategy: 409,
    RedeemedTooOften: 409,
    RolloutShrinks: 409,
    NobodyStays: 409,
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
    UserIdOfAnother: 409,
    UserIdTaken: 409,
    UsersSetAside: 409,
    VersionPublished: 409,
    VersionRetired: 409,
    TooManyFacts: 413,
    BenefitInvalid: 422,
    BudgetInvalid: 422,
    BulkAssignmentInvalid: 422,
    SegmentNoCondition: 422,
    CampaignInvalid: 422,
    ClockTooFar: 422,
    ConditionInvalid: 422,
    CursorInvalid: 422,
    LedgerQuestionInvalid: 422,
    GrantRequestInvalid: 422,
    BulkInvalid: 422,
    DefinitionInvalid: 422,
    HoldEndsInPast: 422,
    HoldInvalid: 422,
    HypotheticalFactInvalid: 422,
    HypotheticalNeedsDryRun: 422,
    IdempotencyKeyInvalid: 422,
    InstantAhead: 422,
    KeyNameInvalid: 422,
    KeyTooShort: 422,
    KindRefused: 422,
    LearnerNeeded: 422,
    LearnerNotInstalled: 422,
    MalformedRequest: 422,
    MeasureInvalid: 422,
    MigrationInvalid: 422,
    MembersUnclear: 422,
    ModelInvalid: 422,
    NobodyToGrant: 422,
    NotADecision: 422,
    NothingToFitOn: 422,
    PeriodBackwards: 422,
    QueryParameterMisspelled: 422,
    RoleUnknown: 422,
    ScheduledInPast: 422,
    SchemeWithoutScopes: 422,
    SegmentFieldUnknown: 422,
    SplitInvalid: 422,
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
    UnknownTier: 422,
    WindowInPast: 422,
    UserIdInvalid: 422,
    WordsInvalid: 422,
}
