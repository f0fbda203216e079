"""Learned scores: how one is asked for, and what training freezes into a version: plain numbers, nothing that runs."""

import hashlib
import json
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictInt, model_validator

from domain.tier_model.spec.parts import Part
from domain.tier_model.spec.values import ConditionText, Days, FieldReference, FieldText, Name

MAX_TREES = 200
MAX_LEAVES = 8

Instant = Annotated[StrictInt, Field(ge=-(2**63), lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


Names = Annotated[tuple[Name, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=20)]
Whole = Annotated[tuple[StrictInt, ...], BeforeValidator(_as_tuple), Field(max_length=MAX_LEAVES - 1)]
Numbers = Annotated[tuple[Finite, ...], BeforeValidator(_as_tuple), Field(max_length=MAX_LEAVES)]


class Target(Part):
    """What is predicted: the sum of a field, less the sum of another kind's, over the horizon."""

    sum: FieldText
    minus: FieldText | None = None
    where: ConditionText | None = None

    @property
    def fields(self) -> tuple[FieldReference, ...]:
        """What is summed, and what is subtracted, if anything is."""
        return (self.sum,) if self.minus is None else (self.sum, self.minus)

    @property
    def attribute_kinds(self) -> frozenset[str]:
        """Kinds of facts whose attributes or lines it reads."""
        return frozenset(field.kind for field in self.fields if self.where or field.of_lines or not field.is_amount)


class LearnedScore(Part):
    """What a trained model predicts from features of this model. float64, never null.

    learned: the features that it reads. horizon: how far ahead the target lies, in days of 24 hours.
    """

    learned: Names
    predict: Target
    horizon: Days

    @model_validator(mode="after")
    def _once(self) -> "LearnedScore":
        if len(set(self.learned)) < len(self.learned):
            raise ValueError("names a feature twice under learned: keep one")
        return self


class LearnedInput(Part):
    """One feature, and the number that stands for its null."""

    name: Name
    null: Finite


class Tree(Part):
    """One regression tree. Inner node i sends a row left when column[feature[i]] <= threshold[i], else right.

    left, right: the next inner node (always a later one), or -1 - the leaf. value: of each leaf. Without inner nodes
    everybody is at leaf 0.
    """

    feature: Whole
    threshold: Numbers
    left: Whole
    right: Whole
    value: Annotated[Numbers, Field(min_length=1)]

    @model_validator(mode="after")
    def _whole(self) -> "Tree":
        nodes, leaves = len(self.feature), len(self.value)
        if not len(self.threshold) == len(self.left) == len(self.right) == nodes or leaves != nodes + 1:
            raise ValueError("is no tree: its lists do not fit each other. Leave fitted out, and fit the version")
        children = [*self.left, *self.right]
        backwards = any(0 <= child <= number % nodes for number, child in enumerate(children))
        if backwards or (nodes and sorted(children) != [*range(-leaves, 0), *range(1, nodes)]):
            raise ValueError("is no tree: each node and leaf has one way to it. Leave fitted out, and fit the version")
        return self


class Quality(Part):
    """How well a number foretells the target on the validation split. None where nothing differs."""

    spearman: Finite | None
    gini: Finite | None


class Validation(Part):
    """The model at a time that it was not trained on, beside plain spend: the target over the horizon before."""

    subjects: StrictInt
    model: Quality
    plain: Quality


class LearnedModel(Part):
    """A trained model: base plus the leaf of every tree, added in their order.

    Column i is input i, its null replaced; column n + i is 1 where input i is null, else 0 (n inputs). trained_at: the
    instant of the features that it was trained on, microseconds; subjects: how many it was trained on. sha256: of the
    canonical JSON of inputs, base and trees.
    """

    learner: Literal["gradient-boosting"]
    inputs: Annotated[tuple[LearnedInput, ...], BeforeValidator(_as_tuple), Field(min_length=1, max_length=20)]
    base: Finite
    trees: Annotated[tuple[Tree, ...], BeforeValidator(_as_tuple), Field(max_length=MAX_TREES)]
    sha256: str
    trained_at: Instant
    subjects: StrictInt
    validation: Validation

    @model_validator(mode="after")
    def _unaltered(self) -> "LearnedModel":
        columns = 2 * len(self.inputs)
        if any(not 0 <= feature < columns for tree in self.trees for feature in tree.feature):
            raise ValueError("reads an input that it does not have. Leave fitted out, and fit the version")
        if self.sha256 != trees_hash(self.inputs, self.base, self.trees):
            raise ValueError("is not what its sha256 says. Leave fitted out, and fit the version")
        return self


def trees_hash(inputs: tuple[LearnedInput, ...], base: float, trees: tuple[Tree, ...]) -> str:
    """SHA-256, in hex, of everything that a prediction follows from."""
    data = {
        "inputs": [part.model_dump(mode="json") for part in inputs],
        "base": base,
        "trees": [tree.model_dump(mode="json") for tree in trees],
    }
    return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
