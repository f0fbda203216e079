"""What can be spelled in a model but is not evaluated by this release. Refused, never ignored."""

from collections.abc import Iterator

from domain.tier_model.expression import ConditionInvalid
from domain.tier_model.expression.parse import parse_condition
from domain.tier_model.expression.tree import Name, Tag, walk
from domain.tier_model.spec import Feature, ModelFault, TierModelSpec

_REMEDY = "It is not available in this release: leave it out"


def unsupported(spec: TierModelSpec) -> list[ModelFault]:
    """A fault for everything in the model that this release does not evaluate; empty when it evaluates all of it."""
    return list(_found(spec))


def reads_beyond(text: str, currency: str) -> str | None:
    """What a rule reads besides its own model's names, such as tag('vip') or tier.value; None when nothing."""
    try:
        tree = parse_condition(text, None, currency, tags=True)
    except ConditionInvalid:
        return None
    for node in walk(tree):
        if isinstance(node, Tag):
            return f"tag('{node.name}')"
        if isinstance(node, Name) and node.name.startswith("tier."):
            return node.name
    return None


def _found(spec: TierModelSpec) -> Iterator[ModelFault]:
    if spec.per is not None:
        yield _fault("per", spec.per, "standings per merchant or another attribute")
    if spec.growth is not None:
        yield _fault("growth", None, "growth value")
    for name, feature in spec.features.items():
        yield from _in_feature(f"features.{name}", feature)
    for tier, rule in spec.rules.items():
        for key, text in (("enter", rule.enter), ("keep", rule.keep)):
            if text is not None and (read := reads_beyond(text, spec.currency)):
                yield _fault(f"rules.{tier}.{key}", text, f"a rule that reads {read}")


def _in_feature(path: str, feature: Feature) -> Iterator[ModelFault]:
    if feature.since == "standing":
        yield _fault(f"{path}.since", feature.since, "a window since standing")


def _fault(path: str, value: object, what: str) -> ModelFault:
    return ModelFault(path, None, None, value, f"asks for {what}", _REMEDY)
