"""A tier model made ready to run: its spec resolved into feature plans, scores, conditions and policy rules."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import ceil, floor
from typing import Any

import numpy as np
import numpy.typing as npt

from domain.tier_model.calendar import LAST_DAY, calendar_of
from domain.tier_model.column import Scalar
from domain.tier_model.columns import FeaturePlan
from domain.tier_model.currency import minor_units
from domain.tier_model.expression import Condition, compile_fact_condition, tag_column
from domain.tier_model.expression.tree import Node
from domain.tier_model.growth import EarnPlan, GrowthPlan
from domain.tier_model.learned import LearnedColumn, learned_ages
from domain.tier_model.names import compile_rule, schemes_in
from domain.tier_model.policy import Policy, PolicyRules, Reviews
from domain.tier_model.selection import Aggregate, Reading
from domain.tier_model.spec import (
    CutScore,
    DaysSince,
    Downgrade,
    Feature,
    FieldReference,
    PolicySpec,
    Rate,
    ReviewEvery,
    Share,
    Sum,
    TierModelSpec,
    Top,
    Trend,
    Window,
    content_hash,
)
from domain.tier_model.spec.features import FEATURE_KEYS
from domain.tier_model.window import WindowPlan
from domain.user_tier.observation import Standing

_PERIODS = {"month": 1, "quarter": 3, "year": 12}
_REVIEWS = {
    "monthly": Reviews(every_months=1),
    "quarterly": Reviews(every_months=3),
    "half-yearly": Reviews(every_months=6),
    "yearly": Reviews(every_months=12),
    "anniversary": Reviews(anniversary=True),
    "continuous": Reviews(continuous=True),
    "validity": Reviews(),
}


@dataclass(frozen=True, slots=True)
class Truth:
    """What the rules say at a point. enter: the highest rank entered (unordered: the class).

    qualified: by the rank that a subject stands on, the one that it qualifies for there. by_rule: whether any rule
    entered, or else what is left is the lowest tier or the default, which may have a rule of its own that is not true.
    """

    enter: int
    qualified: tuple[int, ...]
    by_rule: bool


@dataclass(frozen=True)
class RulePlan:
    """A tier's conditions. keep None: keep is enter."""

    rank: int
    enter: Condition
    keep: Condition | None

    @cached_property
    def reads(self) -> tuple[str, ...]:
        """The names in `enter`."""
        return tuple(sorted(self.enter.names))

    @cached_property
    def reads_tags(self) -> tuple[str, ...]:
        """The tags in `enter`."""
        return tuple(sorted(self.enter.tags))


class CompiledModel:
    """One version of a model, ready to evaluate. Raises ModelInvalid or ConditionInvalid when it cannot be."""

    def __init__(self, spec: TierModelSpec, version: int) -> None:
        self.spec = spec
        self.version = version
        self.scheme = spec.scheme
        self.content_hash = content_hash(spec)
        self.tiers = spec.tiers
        self.calendar = calendar_of(spec.time_zone)
        pool: dict[Node, Node] = {}  # rules compare the same scores with the same cuts, over and over
        self.rules = tuple(
            RulePlan(
                rank,
                compile_rule(spec, rule.enter).sharing(pool),
                compile_rule(spec, rule.keep).sharing(pool) if rule.keep is not None else None,
            )
            for rank, tier in enumerate(spec.tiers)
            if (rule := spec.rules.get(tier)) is not None
        )
        conditions = [part for rule in self.rules for part in (rule.enter, rule.keep) if part is not None]
        self.reads_schemes = frozenset[str]().union(*map(schemes_in, conditions))
        self.reads_tags = frozenset[str]().union(*(condition.tags for condition in conditions))
        # By name, however the spec was read: what is recorded of one version is the same, byte for byte.
        self.features = tuple(self._plan(name, spec.features[name]) for name in sorted(spec.features))
        self.growth = _growth(spec) if spec.growth is not None else None
        trained = spec.fitted.learned if spec.fitted is not None else {}
        self.learned = {name: LearnedColumn(model) for name, model in trained.items()}
        self.policy = PolicyRules(policy_of(spec.policy), spec.tiers, spec.unordered, self.calendar)
        self.rule_above = tuple(
            next((rule for rule in self.rules if rule.rank > rank), None) for rank in range(len(spec.tiers))
        )
        self._missing: dict[Any, list[dict[str, Any]]] = {}
        self._default = spec.tiers.index(spec.default) if spec.default is not None else 0

    @cached_property
    def reads_standing(self) -> bool:
        """Whether features depend on where the subject stands: windows since standing, growth value."""
        return self.growth is not None or self.restarts

    @cached_property
    def restarts(self) -> bool:
        """Whether a window restarts at the midnight after entry or requalification."""
        return any(feature.window.standing for feature in self.features)

    @property
    def attribute_kinds(self) -> frozenset[str] | None:
        """Kinds of facts whose attributes (or lines) it reads; None: of all."""
        if self.spec.per is not None:
            return None
        kinds: set[str] = set()
        if self.growth is not None:
            kinds |= {rule.of.kind for rule in self.growth.earn if rule.where or rule.of.field not in (None, "amount")}
            reversed_ = [rule.of.kind for rule in self.growth.earn if rule.reversed_by_refunds]
            kinds |= {*reversed_, "refund"} if reversed_ else set()
        for feature in self.features:
            conditional = feature.where is not None or feature.part is not None
            for reading in (feature.of, feature.minus):
                if reading is not None and (conditional or reading.of_lines or reading.field not in (None, "amount")):
                    kinds.add(reading.kind)
            if feature.at_order:
                kinds.add("refund")
        return frozenset(kinds)

    @property
    def reads_lines(self) -> bool:
        """Whether it reads order lines."""
        readings = [reading for feature in self.features for reading in (feature.of, feature.minus)]
        return any(reading is not None and reading.of_lines for reading in readings)

    @property
    def reads_idents(self) -> bool:
        """Whether it asks which fact is which: refunds stand at their orders, or take what these have earned."""
        growth = self.growth is not None and any(rule.reversed_by_refunds for rule in self.growth.earn)
        return growth or any(feature.at_order for feature in self.features)

    def qualify(self, truth: Truth, standing: Standing | None) -> int:
        """The rank that the rules give a subject who stands there."""
        return truth.enter if standing is None else truth.qualified[self.policy.rank[standing.tier]]

    def missing_for(self, rule: RulePlan, row: Mapping[str, Scalar]) -> list[dict[str, Any]]:
        """The smallest parts that the rule's `enter` still lacks. row: features, scores and what is read outside.

        Rows repeat (scores are few), so answers are kept.
        """
        tags = tuple([tag for tag in rule.reads_tags if row[tag_column(tag)]]) if rule.reads_tags else ()
        values = [row[name] for name in rule.reads]
        key = (rule.rank, *values, tags, *map(type, values))  # 1, 1.0 and true are equal as keys
        found = self._missing.get(key)
        if found is None:
            if len(self._missing) >= _MISSING_KEPT:
                self._missing.clear()
            found = self._missing[key] = rule.enter.shortfall(row, tags)
        return found

    def truth(self, enter: npt.NDArray[np.bool_], keep: npt.NDArray[np.bool_]) -> Truth:
        """The truth of one row of rules: which tiers are entered, which kept."""
        kept: list[bool] = keep.tolist()
        entered = [rank for rank, there in enumerate(enter.tolist()) if there]
        if self.spec.unordered:
            found = entered[0] if entered else self._default
            return Truth(found, (found,) * len(self.tiers), bool(entered))
        found = entered[-1] if entered else 0
        qualified = [found]
        for rank in range(1, len(self.tiers)):
            qualified.append(rank if kept[rank] and rank > found else qualified[-1])
        return Truth(found, tuple(qualified), bool(entered))

    def _plan(self, name: str, feature: Feature) -> FeaturePlan:
        aggregate, reading = reading_of(feature)
        minus = feature.minus if isinstance(feature, Sum) else None
        return FeaturePlan(
            name=name,
            aggregate=aggregate,
            of=reading,
            window=window_plan(feature.window),
            minus=_read_field(minus) if minus is not None else None,
            first=isinstance(feature, DaysSince) and feature.first,
            where=self._fact_condition(feature.where),
            part=self._fact_condition(feature.of) if isinstance(feature, Share) else None,
            weigh_by_amount=isinstance(feature, Top) and feature.by == "amount",
            per_days=(feature.per.days or 1) if isinstance(feature, Rate) else 1,
            after_days=(feature.after.days or 0) if feature.after is not None else 0,
            at_order=feature.refunds == "at_order",
            crossings=self._crossings(name) if isinstance(feature, DaysSince) else (),
        )

    def _fact_condition(self, text: str | None) -> Condition | None:
        return compile_fact_condition(text, self.spec.currency) if text else None

    def _crossings(self, name: str) -> tuple[int, ...] | None:
        ages: set[int] = set()
        for rule in self.rules:
            for condition in (rule.enter, rule.keep):
                if condition is None or name not in condition.names:
                    continue
                thresholds = condition.thresholds(name)
                if thresholds is None:
                    return None
                for threshold in thresholds:
                    ages |= {ceil(threshold), floor(threshold) + 1}
        for cut_score in self.spec.scores.values():
            if isinstance(cut_score, CutScore) and cut_score.of == name and cut_score.cuts != "fitted":
                ages |= {floor(cut) + 1 for cut in cut_score.cuts}
        ages |= {floor(threshold) + 1 for threshold in learned_ages(self.spec, name)}
        return tuple(sorted(age for age in ages if 0 < age <= LAST_DAY))  # nobody gets older than the calendar


_MISSING_KEPT = 100_000


@lru_cache(maxsize=256)
def compiled_model(spec_json: str, version: int) -> CompiledModel:
    """A stored version's canonical JSON, compiled once a process."""
    return CompiledModel(TierModelSpec.model_validate_json(spec_json), version)


def reading_of(feature: Feature) -> tuple[Aggregate, Reading]:
    """What a feature does, and what it reads."""
    match feature:
        case Share(share=text):
            return "share", _read_text(text)
        case Trend(trend=text):
            return "trend", _read_text(text.split()[1])
        case Rate(rate=kind):
            return "rate", Reading(kind)
    aggregate = next(key for key in FEATURE_KEYS if key in type(feature).model_fields)
    if feature.fields:
        return aggregate, _read_field(feature.fields[0])  # type: ignore[return-value]
    return aggregate, Reading(feature.kinds[0])  # type: ignore[return-value]


def _read_text(text: str) -> Reading:
    """KIND, KIND.FIELD or KIND.lines.FIELD."""
    kind, *rest = text.split(".")
    return Reading(kind, rest[-1] if rest else None, len(rest) == 2)


def _read_field(field: FieldReference) -> Reading:
    return Reading(field.kind, field.field, field.of_lines)


def window_plan(window: Window) -> WindowPlan:
    """A feature's window, resolved."""
    return WindowPlan(
        days=window.days,
        months=window.months,
        period=_PERIODS[window.calendar] if window.calendar else None,
        last=window.last,
        through_yesterday=window.through_yesterday,
        anniversary=window.since == "anniversary",
        standing=window.since == "standing",
    )


def _growth(spec: TierModelSpec) -> GrowthPlan:
    assert spec.growth is not None
    rules = tuple(
        EarnPlan(
            points=rule.points,
            of=Reading(rule.kind, rule.field),
            each=_each(rule.each, spec.currency),
            reversed_by_refunds=rule.minus is not None,
            where=compile_fact_condition(rule.where, spec.currency) if rule.where else None,
            after_days=(rule.after.days or 0) if rule.after is not None else 0,
            at_most=rule.at_most,
        )
        for _, rule in sorted(spec.growth.earn.items())
    )
    return GrowthPlan(rules, {tier: None if most == "all" else most for tier, most in spec.growth.deduct.items()})


def _each(text: str | None, currency: str) -> int:
    """money(10.00) to minor units, 1000 to itself. Raises ValueError for more decimals than the currency has."""
    if text is None:
        return 1
    return minor_units(text[len("money(") : -1], currency) if text.startswith("money(") else int(text)


def policy_of(spec: PolicySpec) -> Policy:
    """The policy block, resolved."""
    fall = spec.downgrade if isinstance(spec.downgrade, Downgrade) else Downgrade()
    review = fall.review
    return Policy(
        upgrade_at_review=spec.upgrade == "at_review",
        downgrade=spec.downgrade != "never",
        reviews=Reviews(every_months=review.every.count, day=review.day)
        if isinstance(review, ReviewEvery)
        else _REVIEWS[review],
        grace_days=fall.grace.days if fall.grace else None,
        steps=fall.steps if fall.steps != "all" else None,
        minimum_stay_days=spec.minimum_stay.days if spec.minimum_stay else None,
        validity_days=spec.validity.length.days if spec.validity else None,
        validity_months=spec.validity.length.months if spec.validity else None,
        validity_to_end_of=_PERIODS[spec.validity.to_end_of] if spec.validity and spec.validity.to_end_of else None,
        warn_days=spec.warn.days if spec.warn else None,
    )
