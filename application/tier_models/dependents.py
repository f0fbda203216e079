"""What a version of a model would leave without a meaning: strategies, segments, rules of tags, entitlements."""

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

from domain.tier_model.spec import ModelFault, TierModelSpec


class Broken(NamedTuple):
    """Something that can be read now, and could not be any more. kind: strategy, segment, tag or benefit; path: where
    it says so."""

    kind: str
    name: str
    path: str
    error: str

    def to_json(self) -> dict[str, Any]:
        """As answered."""
        return self._asdict()


class Dependents(Protocol):
    """Whatever reads tier models."""

    def broken_by(self, spec: TierModelSpec) -> list[Broken]:
        """What could not be read any more, were the version in force. The spec has no errors."""
        ...


def warnings_of(broken: Iterable[Broken]) -> list[ModelFault]:
    """As faults of the model file: it may stand, and something else does not."""
    remedy = "Revise it together with the model, or keep what it reads"
    return [
        ModelFault(
            "",
            None,
            None,
            one.name,
            f"leaves {one.kind} {one.name} without a meaning: {one.path}: {one.error}",
            remedy,
            "warning",
        )
        for one in broken
    ]
