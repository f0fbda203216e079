"""Schemes together: rules that read tiers on other schemes."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches

from domain.tier_model.expression import Condition, ConditionInvalid
from domain.tier_model.expression.condition import constant_value
from domain.tier_model.expression.tree import Compare, Membership, Name, Node, is_fixed, walk
from domain.tier_model.lint.places import Places
from domain.tier_model.names import TIER, compile_rule, schemes_in, schemes_read
from domain.tier_model.spec import ModelFault, TierModelSpec
from domain.tier_model.spec.source import Path

Specs = Mapping[str, TierModelSpec]
Versions = Mapping[str, Sequence[TierModelSpec]]


def together_faults(
    spec: TierModelSpec, others: Specs | None, activating: bool, places: Places
) -> Iterator[ModelFault]:
    """others: the other schemes, by name; None: not known.

    Errors: reading the own tier, a tier that the other scheme does not have, a scheme that is kept per something else;
    when activating a scheme that is not there, and a circle. Before that these two are warnings.
    """
    for path, condition in _rules(spec):
        for scheme in sorted(schemes_in(condition)):
            if scheme == spec.scheme:
                message = "reads the tier that it decides"
                remedy = "Use keep for who stands there already, or read another scheme"
                yield places.error(path, condition.text, message, remedy)
            elif others is not None and scheme not in others:
                yield _unknown(path, scheme, others, activating, places)
            elif others is not None:
                yield from _read(path, condition, spec, others[scheme], places)
    for scheme, other in sorted((others or {}).items()):
        if spec.per is not None and other.per != spec.per and spec.scheme in schemes_read(other):
            message = f"keeps the scheme per {spec.per}, and scheme {scheme} reads its tier"
            remedy = "A scheme that is kept per something is read by schemes of the same per alone"
            yield places.error(("per",), spec.per, message, remedy)
    yield from scheme_circle(spec, {scheme: (other,) for scheme, other in (others or {}).items()}, activating, places)


def scheme_circle(spec: TierModelSpec, others: Versions, activating: bool, places: Places) -> Iterator[ModelFault]:
    """A circle of several schemes: an error when activating, else a warning."""
    circle = circle_through(spec, others)
    if len(circle) > 2:
        message = f"makes a circle of schemes, each reading the next: {' -> '.join(circle)}"
        path = next(path for path, condition in _rules(spec) if circle[1] in schemes_in(condition))
        tell = places.error if activating else places.warning
        yield tell(path, circle[1], message, "Let one of them not read the next: no circle can be put in force")


def circle_through(spec: TierModelSpec, others: Versions) -> list[str]:
    """The schemes of a circle from the model's own back to it, each reading the next by one of its versions; empty when
    there is none. A circle passes a scheme once, so it takes one version of each."""
    came: dict[str, str] = {}
    pending = [spec.scheme]
    while pending:
        scheme = pending.pop(0)
        reading = (spec,) if scheme == spec.scheme else others.get(scheme, ())
        for read in sorted(set[str]().union(*map(schemes_read, reading))):
            if read == spec.scheme:
                circle = [read, scheme]
                while circle[-1] != spec.scheme:
                    circle.append(came[circle[-1]])
                return circle[::-1]
            if read not in came:
                came[read] = scheme
                pending.append(read)
    return []


def _unknown(path: Path, scheme: str, others: Specs, activating: bool, places: Places) -> ModelFault:
    near = get_close_matches(scheme, others, n=1)
    hint = f"Did you mean {TIER}{near[0]}? " if near else ""
    known = f"Schemes: {', '.join(sorted(others))}" if others else "There is no other scheme"
    if activating:
        return places.error(path, f"{TIER}{scheme}", f"reads {TIER}{scheme}, and there is no such scheme", hint + known)
    message = f"reads {TIER}{scheme}, and there is no such scheme yet: it is null"
    return places.warning(path, f"{TIER}{scheme}", message, hint + known)


def _read(
    path: Path, condition: Condition, spec: TierModelSpec, other: TierModelSpec, places: Places
) -> Iterator[ModelFault]:
    """What is wrong with reading that other scheme's tier."""
    name = f"{TIER}{other.scheme}"
    if other.per is not None and other.per != spec.per:
        message = f"reads {name}, which is kept per {other.per}"
        mine = f"per {spec.per}" if spec.per else "for the whole platform"
        remedy = f"This model is kept {mine}: it can read schemes of the platform, and of the same per"
        yield places.error(path, name, message, remedy)
    for text in _compared(condition.tree, name):
        if text not in other.tiers:
            near = get_close_matches(text, other.tiers, n=1)
            hint = f"Did you mean '{near[0]}'? " if near else ""
            message = f"compares {name} with '{text}', which is no tier of it"
            yield places.error(path, text, message, f"{hint}Its tiers: {', '.join(other.tiers)}")


def _compared(tree: Node, name: str) -> list[str]:
    """The texts that a name is compared with."""
    found: list[object] = []
    for part in walk(tree):
        match part:
            case Compare(left=Name(name=read), right=other) | Compare(left=other, right=Name(name=read)):
                found += [constant_value(other)] if read == name and is_fixed(other) else []
            case Membership(operand=Name(name=read)) if read == name:
                found += [constant_value(option) for option in part.options if is_fixed(option)]
    return [value for value in dict.fromkeys(found) if isinstance(value, str)]


def _rules(spec: TierModelSpec) -> Iterator[tuple[Path, Condition]]:
    """The rules that can be read; what is wrong with the others is told elsewhere."""
    for tier, rule in spec.rules.items():
        for key, text in (("enter", rule.enter), ("keep", rule.keep)):
            if text is not None:
                try:
                    yield ("rules", tier, key), compile_rule(spec, text)
                except ConditionInvalid:
                    continue
