"""A tag's rule may not read what reads the tag: it would put itself on and take itself off for ever."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from application.definitions.ports import DefinitionView
from application.segments.ports import TAG_VALUE, Vocabulary
from domain.refusal import Complaint, Refusal
from domain.tags.definition import spec_from
from domain.tier_model.expression import Condition, compile_recorded
from domain.tier_model.names import schemes_read, tags_read
from domain.tier_model.spec import ModelFault, TierModelSpec

_Place = tuple[str, str]
"""What reads and is read: ("tag", its name) or ("scheme", its name)."""


class TagCircle(Refusal):
    """The rule of a tag reads, by whatever way, the tag itself."""

    def __init__(self, tag: str, way: Iterable[_Place]) -> None:
        super().__init__(
            f"The rule of tag {tag!r} reads the tag itself: {_told(way)}.",
            Complaint("lineage.condition", tag, "leave out of the rule what reads this tag"),
        )


def require_no_circle(tag: str, condition: Condition, words: Vocabulary, definitions: Iterable[DefinitionView]) -> None:
    """Raises TagCircle. A scheme is read whatever of it a rule names: its features may hang on its tier."""
    reads = _reads_of_rules(definitions)
    for scheme in words.versions:
        mine = {("tag", name) for name in words.reads_tags.get(scheme, ())}
        reads["scheme", scheme] = mine | {("scheme", name) for name in words.reads_schemes.get(scheme, ())}
    schemes = {words.owners[name] for name in condition.names if name in words.owners}
    reads["tag", tag] = _tags_in(condition) | {("scheme", name) for name in schemes}
    way = _way_back(("tag", tag), reads)
    if way:
        raise TagCircle(tag, way)


def circle_faults(
    spec: TierModelSpec, others: Mapping[str, Sequence[TierModelSpec]], definitions: Iterable[DefinitionView]
) -> Iterator[ModelFault]:
    """An error when a model that comes into force reads a tag whose rule reads the model's scheme. others: by scheme
    all versions to be reckoned with."""
    reads = _reads_of_rules(definitions)
    for versions in ({**others, spec.scheme: (spec,)}).values():
        for one in versions:
            mine = {("tag", name) for name in tags_read(one)} | {("scheme", name) for name in schemes_read(one)}
            reads["scheme", one.scheme] = reads.get(("scheme", one.scheme), set()) | mine
    way = _way_back(("scheme", spec.scheme), reads)
    if any(kind == "tag" for kind, _ in way):
        message = f"makes a circle through the rule of a tag: {_told(way)}"
        remedy = "Leave the tag out of the rules, or revise the tag's rule first"
        yield ModelFault("rules", None, None, spec.scheme, message, remedy)


def _way_back(start: _Place, reads: Mapping[_Place, set[_Place]]) -> list[_Place]:
    """From what reads, to what that reads, and so on back to the start; empty when there is no such way."""
    waiting, seen = [(start, [start])], {start}
    while waiting:
        place, way = waiting.pop()
        for other in sorted(reads.get(place, ())):
            if other == start:
                return [*way, other]
            if other not in seen:
                seen.add(other)
                waiting.append((other, [*way, other]))
    return []


def _reads_of_rules(definitions: Iterable[DefinitionView]) -> dict[_Place, set[_Place]]:
    reads: dict[_Place, set[_Place]] = {}
    for view in definitions:
        spec = spec_from(view.spec)
        if not view.retired and spec.by_rule:
            schemes: set[_Place] = {("scheme", scheme) for scheme in spec.lineage.reads}
            condition = compile_recorded(spec.lineage.condition, spec.lineage.currency)
            reads["tag", view.name] = schemes | _tags_in(condition)
    return reads


def _told(way: Iterable[_Place]) -> str:
    return " → ".join(f"{kind} {name}" for kind, name in way)


def _tags_in(condition: Condition) -> set[_Place]:
    valued = {name.removeprefix(TAG_VALUE) for name in condition.names if name.startswith(TAG_VALUE)}
    return {("tag", name) for name in condition.tags | valued}
