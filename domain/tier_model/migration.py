"""What becomes of the standings there are when a version comes into force. Pure."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Literal, get_args
from uuid import UUID

import msgspec

from domain.facts.instants import format_instant, parse_instant
from domain.refusal import Complaint, Refusal

Mode = Literal["reassess", "up-only", "grandfather", "soft-landing"]
MODES: tuple[str, ...] = get_args(Mode)
_SHARES = 10_000  # of a rollout: hundredths of a percent
_SALT = re.compile(r"[\x21-\x7e]{0,64}")


class MigrationInvalid(Refusal):
    """A migration that cannot be carried out as it is written. Lists everything that is wrong with it."""

    def __init__(self, *complaints: Complaint) -> None:
        super().__init__("The migration cannot be carried out as it is written.", *complaints)


class Migration(msgspec.Struct, frozen=True, omit_defaults=True):
    """How an activation treats who stands on the scheme.

    mode: reassess (everybody is decided anew under the policy), up-only (nobody falls below the tier they hold before
    the new rules have qualified them for it once), grandfather (the same, but no longer than until), soft-landing
    (nobody falls for grace_days, then one rung a review, until they have qualified once).
    until: microseconds. mapping: tier of the version before -> tier of this one. percent: of subjects, by their
    hash with the salt (empty: the scheme's name); the others stay on the version before.
    """

    mode: Mode = "reassess"
    until: int | None = None
    grace_days: int | None = None
    mapping: dict[str, str] = {}
    percent: float = 100.0
    salt: str = ""

    @property
    def whole(self) -> bool:
        """Whether it reaches everybody."""
        return self.percent >= 100

    def reaches(self, scheme: str, subject_id: UUID) -> bool:
        """Whether the subject is on the new version. A greater percent reaches everybody of a smaller one."""
        return self.whole or share_of(self.salt or scheme, subject_id) < round(self.percent * _SHARES / 100)

    def to_json(self) -> dict[str, Any]:
        """As stored and shown: what equals its default is left out, instants as text."""
        plain = Migration()
        shown = {name: getattr(self, name) for name in self.__struct_fields__}
        shown = {name: value for name, value in shown.items() if value != getattr(plain, name)}
        return shown | ({"until": format_instant(self.until)} if self.until is not None else {})


def share_of(salt: str, subject_id: UUID) -> int:
    """0 to 9,999: where a subject falls in rollouts with this salt. The first 8 bytes of SHA-256 of `salt:id`."""
    digest = hashlib.sha256(f"{salt}:{subject_id.hex}".encode()).digest()
    return int.from_bytes(digest[:8], "big") % _SHARES


def migration_from_json(given: Mapping[str, Any] | None) -> Migration:
    """From what to_json gives, or a caller sends; None: reassess everybody. Raises MigrationInvalid."""
    if not given:
        return Migration()
    unknown = sorted(given.keys() - Migration.__struct_fields__)
    if unknown:
        known = ", ".join(Migration.__struct_fields__)
        raise MigrationInvalid(
            *(Complaint(f"migration.{key}", None, f"leave it out; known: {known}") for key in unknown)
        )
    fields = dict(given)
    if isinstance(fields.get("until"), str):
        try:
            fields["until"] = parse_instant(fields["until"])
        except ValueError:
            remedy = "give an instant such as 2027-01-01T00:00:00Z"
            raise MigrationInvalid(Complaint("migration.until", fields["until"], remedy)) from None
    for field, remedy in _SHAPES.items():
        if field in fields:
            try:
                msgspec.convert({field: fields[field]}, Migration)
            except msgspec.ValidationError:
                raise MigrationInvalid(Complaint(f"migration.{field}", str(fields[field])[:100], remedy)) from None
    return msgspec.convert(fields, Migration)


_SHAPES = {
    "mode": f"choose one of {', '.join(MODES)}",
    "until": "give an instant such as 2027-01-01T00:00:00Z",
    "grace_days": "give a whole number of days",
    "mapping": "give old tier: new tier",
    "percent": "give a number above 0, at most 100",
    "salt": "give a text",
}


def require_sound(
    migration: Migration, before: tuple[str, ...] | None, tiers: tuple[str, ...], unordered: bool, at: int
) -> None:
    """Holds a migration against the tiers of the version before (None: there is none) and of the new one.

    at: the activation's instant, microseconds. Raises MigrationInvalid.
    """
    found = [
        *_of_mode(migration, unordered, at),
        *_of_mapping(migration, before, tiers),
        *_of_rollout(migration, before),
    ]
    if found:
        raise MigrationInvalid(*found)


def _of_mode(migration: Migration, unordered: bool, at: int) -> list[Complaint]:
    found = []
    if unordered and migration.mode != "reassess":
        found.append(Complaint("migration.mode", migration.mode, "classes have no order to fall in: use reassess"))
    if (migration.mode == "grandfather") != (migration.until is not None):
        remedy = (
            "give the instant up to which tiers are kept" if migration.until is None else "only grandfather takes it"
        )
        found.append(Complaint("migration.until", _shown(migration.until), remedy))
    elif migration.until is not None and migration.until <= at:
        remedy = f"give an instant after the activation ({format_instant(at)})"
        found.append(Complaint("migration.until", _shown(migration.until), remedy))
    if (migration.mode == "soft-landing") != (migration.grace_days is not None):
        remedy = "say for how many days nobody falls" if migration.grace_days is None else "only soft-landing takes it"
        found.append(Complaint("migration.grace_days", migration.grace_days, remedy))
    elif migration.grace_days is not None and not 1 <= migration.grace_days <= 3_660:
        found.append(Complaint("migration.grace_days", migration.grace_days, "give 1 to 3660 days"))
    return found


def _of_mapping(migration: Migration, before: tuple[str, ...] | None, tiers: tuple[str, ...]) -> list[Complaint]:
    there = before or ()
    found = [
        Complaint("migration.mapping", tier, f"the new version lacks this tier: map it to one of {', '.join(tiers)}")
        for tier in unmapped(migration, there, tiers)
    ]
    for old, new in migration.mapping.items():
        if old not in there:
            found.append(
                Complaint("migration.mapping", old, f"no tier before; there are: {', '.join(there) or 'none'}")
            )
        if new not in tiers:
            found.append(Complaint("migration.mapping", new, f"no tier of this version: use one of {', '.join(tiers)}"))
    return found


def unmapped(migration: Migration, before: Iterable[str], tiers: Collection[str]) -> list[str]:
    """Tiers of the version before that the new one lacks and nothing says where who stands there comes to."""
    return [tier for tier in before if tier not in tiers and tier not in migration.mapping]


def _of_rollout(migration: Migration, before: tuple[str, ...] | None) -> list[Complaint]:
    found = []
    if not 0 < migration.percent <= 100 or round(migration.percent * 100) != migration.percent * 100:
        remedy = "give a number above 0, at most 100, with at most two decimals"
        found.append(Complaint("migration.percent", migration.percent, remedy))
    elif before is None and not migration.whole:
        remedy = "there is no version for the others to stay on: leave it out"
        found.append(Complaint("migration.percent", migration.percent, remedy))
    if _SALT.fullmatch(migration.salt) is None:
        found.append(Complaint("migration.salt", migration.salt[:100], "use at most 64 visible ASCII characters"))
    return found


def _shown(instant: int | None) -> str | None:
    return None if instant is None else format_instant(instant)
