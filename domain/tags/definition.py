"""What the definition of a tag says, and which values it lets a user have."""

import math
import re
from typing import Any, Literal, get_args

import msgspec

from domain.definitions.refusals import DefinitionInvalid, DefinitionRetired
from domain.refusal import Complaint, Refusal
from domain.tier_model.column import Scalar

TagType = Literal["flag", "number", "text", "choice"]
Source = Literal["manual", "rule", "imported"]
LANGUAGES = ("zh-CN", "en")

_LONGEST_TEXT = 500
_LONGEST_VALUE = 200
_MOST_OPTIONS = 200
_LARGEST = 2**53 - 1  # beyond it not every whole number is one of float64, which searches compare
_UNSAID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
# Of a tag with values: it becomes the name of a field, in conditions and in the search index.
_FIELD_NAME = re.compile(r"[^\W_][\w\-]{0,63}")


class Lineage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Where a tag comes from: people (manual), a rule, or another system (origin says which).

    condition: of a rule, in its normal form; currency: of its money amounts; reads: scheme -> the version that was in
    force when the rule was written down.
    """

    source: Source = "manual"
    origin: str = ""
    condition: str = ""
    currency: str = ""
    reads: dict[str, int] = {}


class TagSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A tag's meaning. labels: language -> what people read; options: the values of a choice."""

    owner: str
    meaning: str
    category: str = ""
    type: TagType = "flag"
    options: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    lineage: Lineage = Lineage()

    @property
    def by_rule(self) -> bool:
        """Whether a rule keeps it up, and nobody else."""
        return self.lineage.source == "rule"


class TagValueInvalid(Refusal):
    """A value that the tag's type does not have, or one where there is none to give."""

    def __init__(self, value: Any, remedy: str) -> None:
        super().__init__("The value does not fit the tag.", Complaint("value", value, remedy))


class TagKeptByRule(Refusal):
    """A tag that a rule puts on and takes off: by hand it would not stay."""

    def __init__(self, tag: str) -> None:
        super().__init__(
            f"The tag {tag!r} is kept up by a rule.",
            Complaint("tag", tag, "revise its rule, or use a tag of another name beside it"),
        )


def spec_from(data: dict[str, Any]) -> TagSpec:
    """Back from `spec_to_json`."""
    return msgspec.convert(data, TagSpec)


def spec_to_json(spec: TagSpec) -> dict[str, Any]:
    """As its events keep it: plain values."""
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(spec))
    return plain


def require_sound(name: str, spec: TagSpec) -> None:
    """Raises DefinitionInvalid. The name itself is a tag's, and the rule a condition: others look at these."""
    for field, needed in (("owner", True), ("meaning", True), ("category", False)):
        _require_text(field, getattr(spec, field), needed)
    for language, label in spec.labels.items():
        if language not in LANGUAGES:
            raise _invalid("labels", language, f"give labels in {' and '.join(LANGUAGES)}")
        _require_text(f"labels.{language}", label, True)
    if spec.type not in get_args(TagType):
        raise _invalid("type", spec.type, f"use one of {', '.join(get_args(TagType))}")
    if spec.type != "flag" and _FIELD_NAME.fullmatch(name) is None:
        raise _invalid("name", name, "a tag with values has a name of letters, digits, _ and -, as conditions name it")
    _require_options(spec)
    _require_lineage(spec)


def require_revision(name: str, before: TagSpec, after: TagSpec) -> None:
    """What users have must still mean something: type and kind of source stay. Raises DefinitionInvalid."""
    if after.type != before.type:
        raise _invalid("type", after.type, f"the tag is a {before.type}: define another one beside {name}")
    if after.by_rule != before.by_rule:
        raise _invalid("lineage.source", after.lineage.source, f"define another one beside {name}")


def value_for(name: str, spec: TagSpec | None, retired: bool, value: Scalar) -> Scalar:
    """The value to give a user with the tag. spec None: nobody has defined the tag; it is a flag.

    Raises DefinitionRetired, TagValueInvalid.
    """
    if retired:
        raise DefinitionRetired("tag", name)
    if spec is None or spec.type == "flag":
        if value is not None:
            remedy = (
                "leave it out: the tag is a flag" if spec else f"leave it out, or define the tag {name!r} with a type"
            )
            raise TagValueInvalid(value, remedy)
        return None
    if spec.type == "number":
        whole = isinstance(value, int | float) and not isinstance(value, bool)
        if not whole or not math.isfinite(value) or abs(value) > _LARGEST:  # type: ignore[arg-type]
            raise TagValueInvalid(value, f"give a number of at most {_LARGEST}")
        return value
    if spec.type == "choice" and value not in spec.options:
        raise TagValueInvalid(value, f"give one of {', '.join(spec.options)}")
    if not isinstance(value, str) or not value.strip() or len(value) > _LONGEST_VALUE or _UNSAID.search(value):
        raise TagValueInvalid(value, f"give a text of 1 to {_LONGEST_VALUE} characters on one line")
    return value


def _require_options(spec: TagSpec) -> None:
    if spec.type != "choice":
        if spec.options:
            raise _invalid("options", list(spec.options), "leave them out: only a choice has options")
        return
    if not 0 < len(spec.options) <= _MOST_OPTIONS:
        raise _invalid("options", list(spec.options), f"give a choice 1 to {_MOST_OPTIONS} options")
    for number, option in enumerate(spec.options):
        _require_text(f"options.{number}", option, True, _LONGEST_VALUE)
        if option in spec.options[:number]:
            raise _invalid(f"options.{number}", option, "give each option once")


def _require_lineage(spec: TagSpec) -> None:
    lineage = spec.lineage
    _require_text("lineage.origin", lineage.origin, lineage.source == "imported")
    if spec.by_rule and not lineage.condition.strip():
        raise _invalid("lineage.condition", lineage.condition, "a tag by rule needs one, such as tier.value = 'high'")
    if not spec.by_rule and lineage.condition:
        raise _invalid("lineage.condition", lineage.condition, "leave it out, or say that the source is a rule")
    if spec.by_rule and spec.type != "flag":
        raise _invalid("type", spec.type, "a tag by rule is a flag: it is there or not")


def _require_text(field: str, text: str, needed: bool, longest: int = _LONGEST_TEXT) -> None:
    if needed and not text.strip():
        raise _invalid(field, text, "is required: give it")
    if len(text) > longest or _UNSAID.search(text):
        raise _invalid(field, text[:100], f"give at most {longest} characters on one line")


def _invalid(field: str, value: Any, remedy: str) -> DefinitionInvalid:
    return DefinitionInvalid("The definition cannot stand.", Complaint(field, value, remedy))
