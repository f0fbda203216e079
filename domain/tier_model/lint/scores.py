"""Scores: what they are made of, and cuts that cannot cut."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from math import floor, inf

from domain.tier_model.column import Type
from domain.tier_model.currency import exponent
from domain.tier_model.lint.cases import Reaches
from domain.tier_model.lint.features import name_faults
from domain.tier_model.lint.learned import fitted_faults, learned_faults
from domain.tier_model.lint.places import Places
from domain.tier_model.lint.reach import Reach
from domain.tier_model.spec import GROWTH, CutScore, LearnedScore, ModelFault, TierModelSpec, WeightedScore
from domain.tier_model.spec.source import Path

_SCORED = {Type.integer, Type.money, Type.number, Type.scalar}


def score_faults(spec: TierModelSpec, reaches: Reaches, places: Places) -> Iterator[ModelFault]:
    """reaches: what the features can be."""
    for name, score in spec.scores.items():
        path: Path = ("scores", name)
        if name in spec.features:
            yield places.error(path, name, "has the name of a feature", "Give every feature and score its own name")
        yield from name_faults(path, name, places)
        if isinstance(score, CutScore):
            yield from _cut_score(path, name, score, spec, reaches, places)
        elif isinstance(score, WeightedScore):
            yield from _weighted(path, score, spec, places)
        else:
            yield from learned_faults(path, score, spec, reaches, places)
    yield from _circle(spec, places)
    yield from fitted_faults(spec, places)


def _cut_score(
    path: Path, name: str, score: CutScore, spec: TierModelSpec, reaches: Reaches, places: Places
) -> Iterator[ModelFault]:
    learned = [other for other, made in spec.scores.items() if isinstance(made, LearnedScore)]
    known = [*spec.features, *([GROWTH] if spec.growth is not None else []), *learned]
    reach = reaches.get(score.of) if score.of in known else None
    if reach is None:
        remedy = f"Name one of {', '.join(known)}"
        yield places.error((*path, "of"), score.of, "is no feature of this model", remedy)
    elif reach.type not in _SCORED:
        yield places.error((*path, "of"), score.of, "is no number and cannot be scored", "Score a number")
    if score.cuts == "fitted":
        return
    cuts = score.cuts
    if any(later <= earlier for earlier, later in pairwise(cuts)):
        remedy = "Write each cut once, from the least to the greatest"
        yield places.error((*path, "cuts"), str([*cuts]), "does not ascend", remedy)
    elif reach is not None and reach.type is not Type.scalar:
        if spec.fitted is None or name not in spec.fitted.scores:
            yield from _fractions(path, score.of, cuts, reach, spec.currency, places)
        yield from _empty_bins(path, score.of, cuts, reach, places)
    if score.bins is not None and len(cuts) + 1 != score.bins:
        fitted = spec.fitted is not None and name in spec.fitted.scores
        bins = f"has {len(cuts)} cuts, which make {len(cuts) + 1} bins, not {score.bins}"
        if fitted and len(cuts) + 1 < score.bins:
            message = f"{bins}: equal cuts were folded into one"
            remedy = "Many users share one value: check that the rules can do with fewer bins"
            yield places.warning((*path, "cuts"), str([*cuts]), message, remedy)
        else:
            remedy = "Write one cut fewer than bins, or leave bins out"
            yield places.error((*path, "cuts"), str([*cuts]), bins, remedy)


def _fractions(
    path: Path, of: str, cuts: tuple[int | float, ...], reach: Reach, currency: str, places: Places
) -> Iterator[ModelFault]:
    """Written cuts between two values that stand next to each other; of money, likely in the wrong unit."""
    for index, cut in enumerate(cuts):
        at: Path = (*path, "cuts", index)
        if not reach.whole or isinstance(cut, int):
            continue
        if reach.type is Type.money:
            remedy = f"Write {round(cut * 10 ** exponent(currency))} for {cut} {currency}, or a whole number"
            yield places.warning(at, cut, "has a decimal point, and cuts of money are whole minor units", remedy)
        elif cut != floor(cut):
            remedy = f"Write {floor(cut)}: a value equal to a cut belongs to the lower bin"
            yield places.warning(at, cut, f"lies between two whole numbers, and {of} is one", remedy)


def _empty_bins(
    path: Path, of: str, cuts: tuple[int | float, ...], reach: Reach, places: Places
) -> Iterator[ModelFault]:
    """Cuts that have no value on one side."""
    for number, (low, high) in enumerate(pairwise((-inf, *cuts, inf)), 1):
        below = reach.least is not None and high < reach.least
        above = reach.greatest is not None and low >= reach.greatest
        if below or above or (reach.whole and -inf < low and high < inf and floor(high) <= floor(low)):
            message = f"leaves bin {number} empty: {of} is {reach}"
            yield places.warning((*path, "cuts"), str([*cuts]), message, "Move the cut, or leave it out")


def _weighted(path: Path, score: WeightedScore, spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    for part in score.weighted:
        if part not in spec.scores:
            remedy = f"Name one of {', '.join(spec.scores)}"
            yield places.error((*path, "weighted", part), part, "is no score of this model", remedy)
        elif isinstance(spec.scores[part], LearnedScore):
            remedy = "Cut it into bins with a score of its own, and weigh that"
            yield places.error((*path, "weighted", part), part, "is a learned number and cannot be weighed", remedy)


def _circle(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    graph = {name: set(score.weighted) for name, score in spec.scores.items() if isinstance(score, WeightedScore)}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as problem:
        circle = [str(name) for name in problem.args[1]]
        yield places.error(("scores", circle[0]), " -> ".join(circle), "is made of itself", "Break the circle")
