"""A version of a model in words."""

import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from domain.tier_model.column import Scalar, Type
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.currency import major_units
from domain.tier_model.expression import Condition
from domain.tier_model.expression.tree import IsNull
from domain.tier_model.names import compile_rule
from domain.tier_model.spec import CutScore
from domain.tier_model.words.catalogue import Language
from domain.tier_model.words.conditions import cut_range, rule_in_words
from domain.tier_model.words.features import feature_in_words, name_in_words
from domain.tier_model.words.policy import fall_in_words, growth_in_words, policy_in_words
from domain.tier_model.words.vocabulary import Vocabulary

_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")
_TRUTHS = {"= true": "{}", "= false": "not ({})"}
_UNKNOWN = {"null": "is null", "a value": "is not null"}  # as missing parts say what they need


class ModelWords:
    """One version in one language. Every answer is a sentence, or a part of one without its full stop."""

    def __init__(self, model: CompiledModel, language: Language) -> None:
        self.model = model
        self.vocabulary = Vocabulary(model.spec, language)

    # -------------------------------------------------------------------------------------------------------- names

    def scheme(self) -> str:
        """The scheme's name for people."""
        return self.vocabulary.label(self.model.scheme) or self.model.scheme

    def tier(self, tier: str) -> str:
        """A tier's name for people."""
        return self.vocabulary.tier(tier)

    def name(self, name: str) -> str:
        """A feature, a score or the growth value."""
        return name_in_words(self.vocabulary, name)

    def feature(self, name: str) -> str:
        """What a feature counts and over which window, whatever its label. Raises KeyError."""
        return feature_in_words(self.vocabulary, self.model.spec.features[name])

    def value(self, name: str, value: Scalar) -> str:
        """A value of a feature, a score or the growth value."""
        return self.vocabulary.of_name(name, value)

    # ---------------------------------------------------------------------------------------------------- a version

    def condition(self, condition: Condition) -> str:
        """A rule's condition."""
        return rule_in_words(self.vocabulary, condition, name_in_words)

    def rules(self) -> list[str]:
        """Who is on which tier: the best first of a ladder, as tried of classes."""
        return list(self.rules_by_place().values())

    def rules_by_place(self) -> dict[tuple[str, str], str]:
        """The same by tier and what is said of it: enter, keep."""
        words, spec = self.vocabulary, self.model.spec
        rules = {rule.rank: rule for rule in self.model.rules}
        last = self.model.tiers.index(spec.default) if spec.default is not None else 0
        ranks = [rank for rank in range(len(self.model.tiers)) if rank in rules]
        told: dict[tuple[str, str], str] = {}
        for rank in ranks if spec.unordered else reversed(ranks):
            rule, name = rules[rank], self.model.tiers[rank]
            tier = self.tier(name)
            told[name, "enter"] = words.say("tier enter", tier=tier, condition=self.condition(rule.enter))
            if rule.keep is not None:
                told[name, "keep"] = words.say("tier keep", tier=tier, condition=self.condition(rule.keep))
        if last not in rules:
            name = self.model.tiers[last]
            told[name, "enter"] = words.say("tier lowest", tier=self.tier(name))
        return told

    def policy(self) -> list[str]:
        """How a tier is reached, kept and lost."""
        return list(self.policy_by_part().values())

    def policy_by_part(self) -> dict[str, str]:
        """The same by part of the policy."""
        return policy_in_words(self.vocabulary)

    def meanings(self) -> dict[str, str]:
        """What stands behind the names that rules and scores read, where a label hides it."""
        spec = self.model.spec
        return {
            name: self.vocabulary.say("means", name=self.name(name), what=self.feature(name))
            for name in spec.features
            if self.vocabulary.label(name) is not None
        }

    def fall(self) -> str:
        """How a tier is lost. Only of ordered tiers."""
        return fall_in_words(self.vocabulary)

    def growth(self) -> list[str]:
        """What earns growth value, and what is deducted; nothing where there is none."""
        return list(self.growth_by_part().values())

    def growth_by_part(self) -> dict[str, str]:
        """The same by the name of the earn rule, or the tier that deducts."""
        return growth_in_words(self.vocabulary, self.model)

    # ----------------------------------------------------------------------------------------------------- one user

    def missing(self, part: Mapping[str, Any], row: Mapping[str, Scalar]) -> str:
        """One missing part {of, is, needs, missing} of the next tier, beside the values of the user."""
        words = self.vocabulary
        condition, type_ = self._needed(part["of"], part["needs"])
        told = self.condition(condition)
        (name,) = condition.names if len(condition.names) == 1 else ("",)
        score = self.model.spec.scores.get(name)
        if isinstance(score, CutScore):
            return self._missing_score(told, score, part, row)
        value, missing = words.value(part["is"], type_), part["missing"]
        if not missing or name not in self._added_up:
            return words.say("part", condition=told, value=value)
        return words.say("part short", condition=told, value=value, missing=self.value(name, missing))

    def _missing_score(self, told: str, score: CutScore, part: Mapping[str, Any], row: Mapping[str, Scalar]) -> str:
        """Of a score, how far its feature is from the cut."""
        words, value = self.vocabulary, row.get(score.of)
        behind = words.joined((self.name(score.of), self.value(score.of, value)), "space")
        now = words.say("beside", what=self.value("", part["is"]), more=behind)
        op, _, bound = part["needs"].partition(" ")
        found = cut_range(score, op, int(bound)) if bound.lstrip("-").isdigit() else None
        low = found[0] if found is not None else None
        if type(low) is not int or type(value) is not int or score.of not in self._added_up or value > low:
            return words.say("part", condition=told, value=now)
        return words.say("part short", condition=told, value=now, missing=self.value(score.of, low + 1 - value))

    @cached_property
    def _added_up(self) -> frozenset[str]:
        """Names of what grows by doing more: only there it helps to know how far one is off."""
        grown = (
            name for name, feature in self.model.spec.features.items() if feature.key in ("count", "sum", "distinct")
        )
        return frozenset({*grown, *(("growth",) if self.model.growth is not None else ())})

    def _needed(self, of: str, needs: str) -> tuple[Condition, Type | None]:
        """A part as the condition that it is, and the type of what it is about. Minor units become amounts again."""
        spec = self.model.spec
        unknown = compile_rule(spec, f"({of}) is null").tree
        type_ = unknown.operand.type if isinstance(unknown, IsNull) else None
        if type_ is Type.boolean and needs in _TRUTHS:
            return compile_rule(spec, _TRUTHS[needs].format(of)), type_
        if type_ is Type.money:
            needs = _NUMBER.sub(lambda found: _amount(found[0], spec.currency), needs)
        return compile_rule(spec, f"({of}) {_UNKNOWN.get(needs, needs)}"), type_


def _amount(minor: str, currency: str) -> str:
    value = int(minor) if minor.lstrip("-").isdigit() else round(float(minor))
    return f"{'-' * (value < 0)}money({major_units(abs(value), currency)})"
