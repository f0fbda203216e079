"""What a saved segment says: a condition, and the standings with merchants that its members must have besides."""

import re
from typing import Any

import msgspec

from domain.definitions.refusals import DefinitionInvalid
from domain.refusal import Complaint

LANGUAGES = ("zh-CN", "en")
_LONGEST_TEXT = 500
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ID = re.compile(r"[^\W_][\w\-]{0,63}")
_TAKEN = frozenset({"search"})  # a route of its own


class ScopedStanding(msgspec.Struct, frozen=True, omit_defaults=True):
    """A standing in a scope. tier None: any."""

    scheme: str
    scope: str
    tier: str | None = None


class SegmentSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A segment's meaning. where: empty for everybody; labels: language -> what people read."""

    owner: str
    meaning: str
    where: str = ""
    scoped: tuple[ScopedStanding, ...] = ()
    labels: dict[str, str] = {}


def spec_from(data: dict[str, Any]) -> SegmentSpec:
    """Back from `spec_to_json`."""
    return msgspec.convert(data, SegmentSpec)


def spec_to_json(spec: SegmentSpec) -> dict[str, Any]:
    """As its events keep it: plain values."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(spec))
    return plain


def require_sound(name: str, spec: SegmentSpec) -> None:
    """All but the condition. Raises DefinitionInvalid."""
    if _ID.fullmatch(name) is None or name in _TAKEN:
        remedy = "use 1 to 64 letters, digits, _ and -, a letter or digit first, and not `search`"
        raise DefinitionInvalid("The segment cannot have this name.", Complaint("name", name, remedy))
    for field, text in (("owner", spec.owner), ("meaning", spec.meaning), *_labels(spec)):
        if not text.strip() or len(text) > _LONGEST_TEXT or _UNSAID.search(text):
            remedy = f"give 1 to {_LONGEST_TEXT} characters on one line"
            raise DefinitionInvalid("The definition cannot stand.", Complaint(field, text[:100], remedy))


def _labels(spec: SegmentSpec) -> list[tuple[str, str]]:
    for language in spec.labels:
        if language not in LANGUAGES:
            remedy = f"give labels in {' and '.join(LANGUAGES)}"
            raise DefinitionInvalid("The definition cannot stand.", Complaint("labels", language, remedy))
    return [(f"labels.{language}", text) for language, text in spec.labels.items()]
