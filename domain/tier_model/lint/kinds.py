"""Kinds of facts that nobody registered: nothing of them can come, and what reads them finds nothing."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from domain.tier_model.lint.places import Places
from domain.tier_model.spec import GROWTH, LearnedScore, ModelFault, TierModelSpec
from domain.tier_model.spec.source import Path


def kind_faults(spec: TierModelSpec, kinds: Collection[str] | None, places: Places) -> Iterator[ModelFault]:
    """kinds: that there are; None: not known."""
    if kinds is None:
        return
    for path, kind in dict.fromkeys(_read(spec)):
        if kind not in kinds:
            near = get_close_matches(kind, kinds, n=1)
            meant = f"Did you mean {near[0]}? If not, register" if near else "Register"
            remedy = f"{meant} it first: tierline facts register {kind}"
            yield places.warning(path, kind, f"reads facts of the kind {kind}, and there is no such kind", remedy)


def _read(spec: TierModelSpec) -> Iterator[tuple[Path, str]]:
    """(where it is written, the kind)."""
    for name, feature in spec.features.items():
        yield from ((("features", name), kind) for kind in feature.kinds)
    for name, earn in spec.growth.earn.items() if spec.growth is not None else ():
        yield (GROWTH, "earn", name, "of"), earn.kind
    for name, score in spec.scores.items():
        if isinstance(score, LearnedScore):
            yield from ((("scores", name, "predict"), field.kind) for field in score.predict.fields)
