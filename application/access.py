"""Who may do what: the roles, the permissions, and the one table between them."""

from dataclasses import dataclass
from enum import StrEnum

from domain.refusal import Complaint, Refusal

LONGEST_KEY_NAME = 200


class Role(StrEnum):
    """What a key's bearer is to Tierline."""

    SERVICE = "service"
    OPERATOR = "operator"
    ANALYST = "analyst"
    COMPLIANCE = "compliance"
    APPROVER = "approver"
    ADMIN = "admin"


class Permission(StrEnum):
    """What can be allowed, as a sentence's verb."""

    RECORD_FACTS = "record facts"
    LOAD_HISTORY = "load history"
    REGISTER_KINDS = "register kinds of facts"
    READ_USERS = "read users"
    READ_HISTORY = "read users' histories"
    TRY_OUT = "evaluate users without recording"
    EVALUATE = "evaluate users"
    TAG_USERS = "tag users"
    GRANT_BENEFITS = "grant benefits"
    REDEEM_GRANTS = "redeem grants"
    REVOKE_GRANTS = "revoke grants"
    READ_BENEFIT_LEDGER = "read the ledger of benefits"
    GRANT_IN_BULK = "grant in bulk"
    APPROVE_BULK_GRANTS = "approve bulk grants"
    HOLD_BULK_GRANTS = "pause and cancel bulk grants"
    ISSUE_BENEFITS = "issue benefits"
    TAG_IN_BULK = "tag users in bulk"
    DEFINE_TAGS = "define tags and segments"
    READ_TAGS = "read definitions of tags and segments"
    MERGE_USERS = "link, merge and split user ids"
    HOLD_TIERS = "pin and freeze tiers"
    APPROVE_OVERRIDES = "approve overrides"
    TAKE_OVER = "take over standings"
    VERIFY = "verify receipts"
    SEARCH = "search segments"
    READ_STRATEGIES = "read strategies and campaigns"
    DEFINE_STRATEGIES = "define and submit strategies and campaigns"
    APPROVE_STRATEGIES = "approve strategies and campaigns"
    RUN_STRATEGIES = "start, pause, end and retire strategies and campaigns"
    ASSIGN_STRATEGIES = "assign strategies"
    READ_MODELS = "read tier models"
    DRAFT_MODELS = "draft and fit tier models"
    PREVIEW_MODELS = "preview and shadow tier models"
    MEASURE_MODELS = "measure what tier models do"
    APPROVE_MODELS = "approve tier models"
    ACTIVATE_MODELS = "activate tier models"
    READ_BENEFITS = "read benefits and budgets"
    DRAFT_BENEFITS = "draft benefits and define budgets"
    APPROVE_BENEFITS = "approve benefits and budgets"
    ACTIVATE_BENEFITS = "activate and retire benefits"
    STOP_GRANTS = "stop grants"
    LIFT_STOPS = "lift stops of grants"
    WATCH = "see the state of projections and the clock"
    RUN_PROJECTIONS = "rebuild, pause and resume projections"
    MOVE_CLOCK = "move the clock"


_EVERYBODY = frozenset(Role)

PERMISSIONS: dict[Permission, frozenset[Role]] = {
    Permission.RECORD_FACTS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.LOAD_HISTORY: frozenset({Role.ADMIN}),
    Permission.REGISTER_KINDS: frozenset({Role.ADMIN}),
    Permission.READ_USERS: _EVERYBODY,
    Permission.READ_HISTORY: frozenset({Role.OPERATOR, Role.ANALYST, Role.COMPLIANCE, Role.APPROVER, Role.ADMIN}),
    Permission.TRY_OUT: _EVERYBODY,
    Permission.EVALUATE: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.TAG_USERS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.GRANT_BENEFITS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.REDEEM_GRANTS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.REVOKE_GRANTS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.READ_BENEFIT_LEDGER: frozenset(
        {Role.OPERATOR, Role.ANALYST, Role.COMPLIANCE, Role.APPROVER, Role.ADMIN}
    ),
    Permission.GRANT_IN_BULK: frozenset({Role.OPERATOR, Role.ADMIN}),
    Permission.APPROVE_BULK_GRANTS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.HOLD_BULK_GRANTS: frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMIN}),
    Permission.TAG_IN_BULK: frozenset({Role.OPERATOR, Role.ADMIN}),
    Permission.DEFINE_TAGS: frozenset({Role.OPERATOR, Role.ANALYST, Role.ADMIN}),
    Permission.READ_TAGS: _EVERYBODY,
    Permission.ISSUE_BENEFITS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.MERGE_USERS: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.HOLD_TIERS: frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMIN}),
    Permission.APPROVE_OVERRIDES: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.TAKE_OVER: frozenset({Role.ADMIN}),
    Permission.VERIFY: frozenset({Role.COMPLIANCE, Role.ADMIN}),
    Permission.SEARCH: frozenset({Role.SERVICE, Role.OPERATOR, Role.ANALYST, Role.COMPLIANCE, Role.ADMIN}),
    Permission.READ_STRATEGIES: _EVERYBODY,
    Permission.DEFINE_STRATEGIES: frozenset({Role.OPERATOR, Role.ANALYST, Role.ADMIN}),
    Permission.APPROVE_STRATEGIES: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.RUN_STRATEGIES: frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMIN}),
    Permission.ASSIGN_STRATEGIES: frozenset({Role.SERVICE, Role.OPERATOR, Role.ADMIN}),
    Permission.READ_MODELS: _EVERYBODY,
    Permission.DRAFT_MODELS: frozenset({Role.ANALYST, Role.ADMIN}),
    Permission.PREVIEW_MODELS: frozenset({Role.ANALYST, Role.APPROVER, Role.ADMIN}),
    Permission.MEASURE_MODELS: frozenset({Role.OPERATOR, Role.ANALYST, Role.APPROVER, Role.ADMIN}),
    Permission.APPROVE_MODELS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.ACTIVATE_MODELS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.READ_BENEFITS: _EVERYBODY,
    Permission.DRAFT_BENEFITS: frozenset({Role.OPERATOR, Role.ADMIN}),
    Permission.APPROVE_BENEFITS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.ACTIVATE_BENEFITS: frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMIN}),
    Permission.STOP_GRANTS: frozenset({Role.OPERATOR, Role.APPROVER, Role.ADMIN}),
    Permission.LIFT_STOPS: frozenset({Role.APPROVER, Role.ADMIN}),
    Permission.WATCH: _EVERYBODY,
    Permission.RUN_PROJECTIONS: frozenset({Role.ADMIN}),
    Permission.MOVE_CLOCK: frozenset({Role.ADMIN}),
}


@dataclass(frozen=True)
class Principal:
    """Somebody whom a key has named."""

    key_id: str
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """How events name who asked for them."""
        return f"key:{self.key_id}"

    def may(self, permission: Permission) -> bool:
        """Whether the table allows it."""
        return self.role in PERMISSIONS[permission]


class NotAuthenticated(Refusal):
    """No key, or none that is known."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}.",
            Complaint("Authorization", None, "send `Authorization: Bearer tl_...`; `tierline key create` makes a key"),
        )


class NotAllowed(Refusal):
    """A known key without the right."""

    def __init__(self, principal: Principal, permission: Permission) -> None:
        allowed = ", ".join(sorted(PERMISSIONS[permission]))
        super().__init__(
            f"A key with the role {principal.role} may not {permission}.",
            Complaint("role", principal.role.value, f"use a key with one of these roles: {allowed}"),
        )


class RoleUnknown(Refusal):
    """A role that is not in the table."""

    def __init__(self, role: str) -> None:
        super().__init__(
            f"{role!r} is not a role.", Complaint("role", role, f"choose one of: {', '.join(sorted(Role))}")
        )


class KeyNameInvalid(Refusal):
    """A name that does not tell whose key it is."""

    def __init__(self, name: str) -> None:
        remedy = f"say whose it is, in 1 to {LONGEST_KEY_NAME} characters"
        super().__init__("The key has no name that could be told.", Complaint("name", name, remedy))


class KeyUnknown(Refusal):
    """A key id that names no key."""

    def __init__(self, key_id: str) -> None:
        super().__init__(
            f"There is no key {key_id!r}.", Complaint("key_id", key_id, "`tierline key list` shows all keys")
        )


class KeyTooShort(Refusal):
    """An admin key chosen by the operator that is too short."""

    def __init__(self, minimum: int) -> None:
        super().__init__(
            "TIERLINE_ADMIN_KEY is too short.",
            Complaint("TIERLINE_ADMIN_KEY", "(not shown)", f"give at least {minimum} characters, or leave it out"),
        )
