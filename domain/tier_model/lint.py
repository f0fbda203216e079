"""Finds what is wrong with a model beyond its structure, and says where."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from domain.tier_model.column import Type
from domain.tier_model.expression import (
    Condition,
    ConditionInvalid,
    compile_condition,
    compile_fact_condition,
)
from domain.tier_model.expression.tree import (
    FUNCTIONS,
    KEYWORDS,
    Compare,
    Constant,
    is_fixed,
    text_of,
    walk,
)
from domain.tier_model.grid import grid_faults
from domain.tier_model.names import feature_type, types_of
from domain.tier_model.spec import (
    CutScore,
    Downgrade,
    ModelFault,
    ModelInvalid,
    Share,
    Sum,
    TierModelSpec,
    Trend,
    WeightedScore,
    read_model,
)
from domain.tier_model.spec.source import Path, Source
from domain.tier_model.unsupported import reads_beyond, unsupported

_SCORED = {Type.integer, Type.money, Type.number, Type.scalar}


def lint(spec: TierModelSpec, source: Source | None = None) -> list[ModelFault]:
    """Every fault, errors first. source: of the text that the spec was read from, for lines and columns.

    A model with an error must not be put in force; a warning says that something has no effect or may not be meant.
    """
    faults = _Lint(spec, source).faults()
    return sorted(
        faults,
        key=lambda fault: (
            fault.severity != "error",
            fault.line or 0,
            fault.column or 0,
        ),
    )


def lint_text(text: str | bytes) -> list[ModelFault]:
    """lint of a model file; what cannot be read is a list of faults too. Never raises."""
    try:
        return lint(*read_model(text))
    except ModelInvalid as problem:
        return problem.errors


@dataclass(frozen=True, slots=True)
class _Lint:
    spec: TierModelSpec
    source: Source | None

    def faults(self) -> list[ModelFault]:
        compiled: dict[str, tuple[Condition, Condition | None]] = {}
        found = [
            *unsupported(self.spec),
            *self._features(),
            *self._scores(),
            *self._tiers(),
            *self._labels(),
        ]
        for tier, rule in self.spec.rules.items():
            conditions = []
            for key, text in (("enter", rule.enter), ("keep", rule.keep)):
                outcome = self._rule(tier, key, text)
                found += outcome if isinstance(outcome, list) else []
                conditions.append(outcome if isinstance(outcome, Condition) else None)
            if conditions[0] is not None and (rule.keep is None or conditions[1] is not None):
                compiled[tier] = (conditions[0], conditions[1])
        found += [*self._policy(), *grid_faults(self.spec, compiled)]
        return [self._placed(fault) for fault in found]

    def _placed(self, fault: ModelFault) -> ModelFault:
        if self.source is None or fault.line is not None:
            return fault
        line, column = self.source.place(tuple(fault.path.split(".")))
        return replace(fault, line=line, column=column)

    # --------------------------------------------------------------------------------------------- features and scores

    def _features(self) -> Iterator[ModelFault]:
        for name, feature in self.spec.features.items():
            path = f"features.{name}"
            if name.lower() in KEYWORDS | FUNCTIONS:
                yield _fault(
                    path,
                    name,
                    "is a word of the condition language",
                    "Choose another name",
                )
            if isinstance(feature, Sum) and feature.minus and feature.minus.is_amount is not feature.sum.is_amount:
                remedy = "Subtract an amount from an amount, or an attribute from an attribute"
                yield _fault(
                    f"{path}.minus",
                    str(feature.minus),
                    "has another unit than the sum",
                    remedy,
                )
            if isinstance(feature, Trend) and feature.within is None:
                yield _fault(
                    f"{path}.trend",
                    feature.trend,
                    "has no window before it",
                    "Give it a window: within, such as '30 days'",
                )
            for key, text in (("where", feature.where), ("of", feature.of if isinstance(feature, Share) else None)):
                if text is not None:
                    yield from self._fact_condition(name, key, text)

    def _fact_condition(self, name: str, key: str, text: str) -> Iterator[ModelFault]:
        try:
            condition = compile_fact_condition(text, self.spec.currency)
        except ConditionInvalid as problem:
            yield self._condition_fault(("features", name, key), text, problem)
        else:
            yield from self._pointless(f"features.{name}.{key}", condition)

    def _scores(self) -> Iterator[ModelFault]:
        for name, score in self.spec.scores.items():
            path = f"scores.{name}"
            if name in self.spec.features:
                yield _fault(
                    path,
                    name,
                    "has the name of a feature",
                    "Give every feature and score its own name",
                )
            if name.lower() in KEYWORDS | FUNCTIONS:
                yield _fault(
                    path,
                    name,
                    "is a word of the condition language",
                    "Choose another name",
                )
            if isinstance(score, CutScore):
                yield from self._cut_score(path, name, score)
            else:
                yield from self._weighted(path, score)
        yield from self._circle()

    def _cut_score(self, path: str, name: str, score: CutScore) -> Iterator[ModelFault]:
        feature = self.spec.features.get(score.of)
        if feature is None:
            known = ", ".join(self.spec.features)
            yield _fault(
                f"{path}.of",
                score.of,
                "is no feature of this model",
                f"Name one of {known}",
            )
        elif feature_type(feature) not in _SCORED:
            yield _fault(
                f"{path}.of",
                score.of,
                "is no number and cannot be scored",
                "Score a number",
            )
        if score.cuts == "fitted":
            return
        cuts = list(score.cuts)
        if any(later <= earlier for earlier, later in pairwise(cuts)):
            yield _fault(
                f"{path}.cuts",
                str(cuts),
                "does not ascend",
                "Write each cut once, from the least to the greatest",
            )
        if score.bins is not None and len(cuts) + 1 != score.bins:
            fitted = self.spec.fitted is not None and name in self.spec.fitted.scores
            bins = f"has {len(cuts)} cuts, which make {len(cuts) + 1} bins, not {score.bins}"
            if fitted and len(cuts) + 1 < score.bins:
                remedy = "Many users share one value: check that the rules can do with fewer bins"
                yield _fault(
                    f"{path}.cuts",
                    str(cuts),
                    f"{bins}: equal cuts were folded into one",
                    remedy,
                    warning=True,
                )
            else:
                yield _fault(
                    f"{path}.cuts",
                    str(cuts),
                    bins,
                    "Write one cut fewer than bins, or leave bins out",
                )

    def _weighted(self, path: str, score: WeightedScore) -> Iterator[ModelFault]:
        for part in score.weighted:
            if part not in self.spec.scores:
                known = ", ".join(self.spec.scores)
                yield _fault(
                    f"{path}.weighted.{part}",
                    part,
                    "is no score of this model",
                    f"Name one of {known}",
                )

    def _circle(self) -> Iterator[ModelFault]:
        graph = {
            name: set(score.weighted) for name, score in self.spec.scores.items() if isinstance(score, WeightedScore)
        }
        try:
            TopologicalSorter(graph).prepare()
        except CycleError as problem:
            circle = list(problem.args[1])
            yield _fault(
                f"scores.{circle[0]}",
                " -> ".join(circle),
                "is made of itself",
                "Break the circle",
            )

    # ------------------------------------------------------------------------------------------------ tiers and rules

    def _tiers(self) -> Iterator[ModelFault]:
        spec = self.spec
        for tier in spec.rules:
            if tier not in spec.tiers:
                yield _fault(
                    f"rules.{tier}",
                    tier,
                    "is no tier of this model",
                    f"Name one of {', '.join(spec.tiers)}",
                )
        free = spec.default if spec.unordered else spec.tiers[0]
        for tier in spec.tiers:
            if tier not in spec.rules and tier != free:
                yield _fault(
                    "rules",
                    tier,
                    f"has no rule for {tier}: no user can reach it",
                    "Write when it is entered",
                )
        if not spec.unordered and free in spec.rules:
            remedy = "Everybody qualifies for the lowest tier: leave its rule out"
            yield _fault(f"rules.{free}", free, "has no effect", remedy, warning=True)

    def _rule(self, tier: str, key: str, text: str | None) -> Condition | list[ModelFault] | None:
        """The compiled condition, or what is wrong with it."""
        if text is None or reads_beyond(text, self.spec.currency):
            return None
        try:
            condition = compile_condition(text, types_of(self.spec), currency=self.spec.currency)
        except ConditionInvalid as problem:
            return [self._condition_fault(("rules", tier, key), text, problem)]
        pointless = list(self._pointless(f"rules.{tier}.{key}", condition))
        if key == "keep" and self.spec.unordered:
            remedy = "Classes are not kept: leave keep out"
            pointless.append(
                _fault(
                    f"rules.{tier}.keep",
                    text,
                    "has no effect in an unordered model",
                    remedy,
                    warning=True,
                )
            )
        return pointless or condition

    def _pointless(self, path: str, condition: Condition) -> Iterator[ModelFault]:
        if is_fixed(condition.tree) and condition.holds({}) is not True:
            yield _fault(
                path,
                condition.text,
                "is never true",
                "Compare a feature or a score with a value",
            )
        for part in walk(condition.tree):
            if isinstance(part, Compare) and any(
                isinstance(side, Constant) and side.value is None for side in (part.left, part.right)
            ):
                message = f"compares with null, which is never true: {text_of(part)}"
                yield _fault(path, condition.text, message, "Write is null or is not null")

    def _condition_fault(self, path: Path, text: str, problem: ConditionInvalid) -> ModelFault:
        line: int | None = None
        column: int | None = None
        if self.source is not None:
            held = path if path in self.source.starts else path[:-1]
            line, column = self.source.place_within(held, text, problem.line, problem.column)
        message = f"{problem.message} (at line {problem.line}, column {problem.column} of the condition)"
        return ModelFault(".".join(map(str, path)), line, column, text, message, problem.remedy)

    # ---------------------------------------------------------------------------------------------- policy and labels

    def _policy(self) -> Iterator[ModelFault]:
        policy, fall = self.spec.policy, self.spec.policy.downgrade
        if self.spec.unordered:
            for key in sorted(policy.model_fields_set - {"minimum_stay"}):
                remedy = "Classes change at once, after minimum_stay: leave it out"
                yield _fault(
                    f"policy.{key}",
                    None,
                    "has no effect in an unordered model",
                    remedy,
                    warning=True,
                )
            return
        calendar = isinstance(fall, Downgrade) and fall.review != "continuous"
        if policy.upgrade == "at_review" and not calendar and policy.validity is None:
            if fall == "never":
                remedy = "Give downgrade a review calendar, or the policy a validity"
                yield _fault(
                    "policy.upgrade",
                    "at_review",
                    "waits for reviews, and there are none",
                    remedy,
                )
            else:
                remedy = "Every decision is a review under continuous: write immediate, or choose a review calendar"
                yield _fault(
                    "policy.upgrade",
                    "at_review",
                    "is the same as immediate here",
                    remedy,
                    warning=True,
                )
        if policy.warn is not None and not calendar and policy.validity is None:
            remedy = "Warnings come before calendar reviews and the end of validity: add one, or leave warn out"
            yield _fault(
                "policy.warn",
                str(policy.warn),
                "warns of nothing",
                remedy,
                warning=True,
            )

    def _labels(self) -> Iterator[ModelFault]:
        spec = self.spec
        known = {spec.scheme, *spec.tiers, *spec.features, *spec.scores}
        for name in spec.labels:
            if name not in known:
                remedy = "Label tiers, features and scores"
                yield _fault(
                    f"labels.{name}",
                    name,
                    "labels nothing in this model",
                    remedy,
                    warning=True,
                )


def _fault(path: str, value: object, message: str, remedy: str, *, warning: bool = False) -> ModelFault:
    return ModelFault(path, None, None, value, message, remedy, "warning" if warning else "error")


__all__ = ["lint", "lint_text", "unsupported"]
