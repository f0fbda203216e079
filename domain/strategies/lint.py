"""What is wrong with a strategy beside the others, the models and the benefits that there are."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.strategies.audience import place_of
from domain.strategies.refusals import StrategiesInCircle
from domain.strategies.spec import PutTag, StartStrategy, StrategySpec, Tagged
from domain.strategies.spec.trigger import Joined
from domain.tier_model.expression import ConditionInvalid, compile_fact_condition
from domain.tier_model.spec.faults import Fault
from domain.tier_model.spec.source import Source


def lint(
    spec: StrategySpec,
    source: Source,
    *,
    compile_where: Callable[[str], object],
    tiers: Mapping[str, Sequence[str]],
    benefits: Collection[str],
    others: Mapping[str, StrategySpec],
) -> list[Fault]:
    """Every fault. compile_where: raises ConditionInvalid; tiers: of the schemes in force; benefits: those in force."""
    faults = [*_conditions(spec, source, compile_where), *_place(spec, source, tiers)]
    for path, action in _actions(spec):
        if isinstance(action, StartStrategy) and action.start not in others and action.start != spec.strategy:
            faults.append(_fault(source, (*path, "start"), action.start, "is no strategy", _known(others)))
    for path, action in _actions(spec):
        benefit = getattr(action, "grant", None)
        if benefit is not None and benefit not in benefits:
            faults.append(_fault(source, (*path, "grant"), benefit, "is no benefit in force", _known(benefits)))
    faults += _goal(spec, source)
    circle = circle_of({**others, spec.strategy: spec})
    if circle is not None and spec.strategy in circle:
        told = " → ".join([*circle, circle[0]])
        faults.append(_fault(source, ("do",), None, f"sets itself off again: {told}", "Take one of the steps out"))
    return faults


class Unread(NamedTuple):
    """Where a strategy says what cannot be read any more, and why."""

    path: str
    error: str


def unread(
    spec: StrategySpec, compile_where: Callable[[str], object], tiers: Mapping[str, Sequence[str]]
) -> Unread | None:
    """What the models leave a strategy without: the first of its conditions that they do not let be read, or the place
    that its trigger names and that is there no more. Arguments as of `lint`."""
    for path, text in _texts(spec):
        try:
            compile_where(text)
        except ConditionInvalid as problem:
            return Unread(".".join(path), str(problem))
    place = place_of(spec.trigger)
    if place is None or (place.tier in tiers.get(place.scheme, ()) if place.tier else place.scheme in tiers):
        return None
    return Unread("trigger", f"{place} names no {'tier of a scheme' if place.tier else 'scheme'} in force")


def require_no_circle(spec: StrategySpec, others: Mapping[str, StrategySpec]) -> None:
    """Raises StrategiesInCircle."""
    circle = circle_of({**others, spec.strategy: spec})
    if circle is not None:
        raise StrategiesInCircle(circle)


def circle_of(specs: Mapping[str, StrategySpec]) -> list[str] | None:
    """Strategies that set each other off, in their order: by starting one, or by a tag that one waits for. Or None."""
    waiting: dict[str, list[str]] = {}
    for name, spec in specs.items():
        if isinstance(spec.trigger, Tagged):
            waiting.setdefault(spec.trigger.tagged, []).append(name)
    leads = {name: sorted(_led_to(spec, waiting)) for name, spec in specs.items()}
    done: set[str] = set()
    for name in sorted(specs):
        circle = _circle_from(name, leads, [], done)
        if circle is not None:
            return circle
    return None


def _led_to(spec: StrategySpec, waiting: Mapping[str, list[str]]) -> set[str]:
    found: set[str] = set()
    for action in spec.actions:
        if isinstance(action, StartStrategy):
            found.add(action.start)
        elif isinstance(action, PutTag):
            found.update(waiting.get(action.tag, ()))
    return found


def _circle_from(name: str, leads: Mapping[str, list[str]], path: list[str], done: set[str]) -> list[str] | None:
    if name in path:
        return path[path.index(name) :]
    if name in done:
        return None
    for following in leads.get(name, ()):
        circle = _circle_from(following, leads, [*path, name], done)
        if circle is not None:
            return circle
    done.add(name)
    return None


def _texts(spec: StrategySpec) -> Iterable[tuple[tuple[str, ...], str]]:
    """Its conditions on users, with their paths."""
    if spec.where is not None:
        yield ("where",), spec.where
    if isinstance(spec.trigger, Joined):
        yield ("trigger", "joins"), spec.trigger.joins


def _conditions(spec: StrategySpec, source: Source, compile_where: Callable[[str], object]) -> Iterable[Fault]:
    for path, text in _texts(spec):
        try:
            compile_where(text)
        except ConditionInvalid as problem:
            line, column = source.place_within(path, text, problem.line, problem.column)
            yield Fault(".".join(path), line, column, problem.value, problem.message, problem.remedy)


def _goal(spec: StrategySpec, source: Source) -> Iterable[Fault]:
    """The conditions on facts that it counts by."""
    for name in ("where", "of"):
        text: str | None = getattr(spec.goal, name, None)
        if text is None:
            continue
        try:
            compile_fact_condition(text, spec.currency)
        except ConditionInvalid as problem:
            line, column = source.place_within(("goal", name), text, problem.line, problem.column)
            yield Fault(f"goal.{name}", line, column, problem.value, problem.message, problem.remedy)


def _place(spec: StrategySpec, source: Source, tiers: Mapping[str, Sequence[str]]) -> Iterable[Fault]:
    place = place_of(spec.trigger)
    if place is None:
        return
    if place.scheme not in tiers:
        yield _fault(source, ("trigger",), str(place), "names no scheme in force", _known(tiers))
    elif place.tier is not None and place.tier not in tiers[place.scheme]:
        yield _fault(source, ("trigger",), str(place), "names no tier of the scheme", _known(tiers[place.scheme]))


def _actions(spec: StrategySpec) -> Iterable[tuple[tuple[str | int, ...], object]]:
    """With the path of each."""
    if not spec.arms:
        yield from ((("do", number), action) for number, action in enumerate(spec.do))
    for name, arm in spec.arms.items():
        yield from ((("arms", name, "do", number), action) for number, action in enumerate(arm.do))


def _known(names: Iterable[str]) -> str:
    found = ", ".join(sorted(names)[:30])
    return f"Use one of {found}" if found else "There is none yet: make one first"


def _fault(source: Source, path: tuple[str | int, ...], value: object, message: str, remedy: str) -> Fault:
    line, column = source.place(path)
    return Fault(".".join(map(str, path)), line, column, value, message, remedy)
