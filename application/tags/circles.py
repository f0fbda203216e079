"""A tag's rule may not read what reads the tag: it would put itself on and take itself off for ever."""

from collections.abc import Iterable

from application.definitions.ports import DefinitionView
from application.segments.ports import TAG_VALUE, Vocabulary
from domain.refusal import Complaint, Refusal
from domain.tags.definition import spec_from
from domain.tier_model.expression import Condition, compile_recorded

_Place = tuple[str, str]
"""What reads and is read: ("tag", its name) or ("scheme", its name)."""


class TagCircle(Refusal):
    """The rule of a tag reads, by whatever way, the tag itself."""

    def __init__(self, tag: str, way: Iterable[_Place]) -> None:
        told = " → ".join(f"{kind} {name}" for kind, name in way)
        super().__init__(
            f"The rule of tag {tag!r} reads the tag itself: {told}.",
            Complaint("lineage.condition", tag, "leave out of the rule what reads this tag"),
        )


def require_no_circle(tag: str, condition: Condition, words: Vocabulary, definitions: Iterable[DefinitionView]) -> None:
    """Raises TagCircle. A scheme is read whatever of it a rule names: its features may hang on its tier."""
    reads = _reads(words, definitions)
    start: _Place = ("tag", tag)
    reads[start] = _read_by(condition, words)
    waiting = [(start, [start])]
    seen = {start}
    while waiting:
        place, way = waiting.pop()
        for other in sorted(reads.get(place, ())):
            if other == start:
                raise TagCircle(tag, [*way, other])
            if other not in seen:
                seen.add(other)
                waiting.append((other, [*way, other]))


def _reads(words: Vocabulary, definitions: Iterable[DefinitionView]) -> dict[_Place, set[_Place]]:
    reads: dict[_Place, set[_Place]] = {}
    for scheme in words.versions:
        mine = {("tag", name) for name in words.reads_tags.get(scheme, ())}
        reads["scheme", scheme] = mine | {("scheme", name) for name in words.reads_schemes.get(scheme, ())}
    for view in definitions:
        spec = spec_from(view.spec)
        if not view.retired and spec.by_rule:
            lineage = spec.lineage
            schemes: set[_Place] = {("scheme", scheme) for scheme in lineage.reads}
            reads["tag", view.name] = schemes | _tags_in(compile_recorded(lineage.condition, lineage.currency))
    return reads


def _read_by(condition: Condition, words: Vocabulary) -> set[_Place]:
    schemes = {words.owners[name] for name in condition.names if name in words.owners}
    return _tags_in(condition) | {("scheme", name) for name in schemes}


def _tags_in(condition: Condition) -> set[_Place]:
    valued = {name.removeprefix(TAG_VALUE) for name in condition.names if name.startswith(TAG_VALUE)}
    return {("tag", name) for name in condition.tags | valued}
