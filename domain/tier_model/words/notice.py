"""What members are told of a version: its rules, and how they differ from those before."""

from collections.abc import Iterator, Mapping
from typing import Any

from domain.tier_model.migration import Migration
from domain.tier_model.spec import CutScore, Length, TierModelSpec
from domain.tier_model.words.model import ModelWords
from domain.tier_model.words.vocabulary import Vocabulary


def changes(before: ModelWords, now: ModelWords, mapping: Mapping[str, str]) -> list[str]:
    """How the version differs from the one before, a sentence each; empty where members notice nothing.

    mapping: what old tiers become. Both are words of one language.
    """
    return [
        *_of_tiers(before, now, mapping),
        *_compared(now.vocabulary, _by_new_names(before.rules_by_place(), mapping), now.rules_by_place()),
        *_compared(now.vocabulary, before.meanings(), now.meanings()),
        *_of_scores(before, now),
        *_compared(now.vocabulary, before.policy_by_part(), now.policy_by_part()),
        *_compared(now.vocabulary, before.growth_by_part(), now.growth_by_part()),
        *_of_places(now.vocabulary, before.model.spec, now.model.spec),
    ]


def transition(words: Vocabulary, migration: Migration) -> list[str]:
    """What becomes of who stands on the scheme when the version comes into force."""
    until = "" if migration.until is None else words.date(migration.until)
    length = "" if migration.grace_days is None else words.length(Length(migration.grace_days, "day"))
    told = [words.say(f"moves {migration.mode}", **_given(date=until, length=length))]
    if not migration.whole:
        told.append(words.say("moves some", percent=f"{migration.percent:g}"))
    return told


def _given(**values: str) -> dict[str, str]:
    return {name: value for name, value in values.items() if value}


def _of_tiers(before: ModelWords, now: ModelWords, mapping: Mapping[str, str]) -> Iterator[str]:
    words, old, new = now.vocabulary, before.model.tiers, now.model.tiers
    for tier in old:
        to = mapping.get(tier)
        if to is not None and to != tier and before.tier(tier) != now.tier(to):
            yield words.say("change tier mapped", tier=before.tier(tier), to=now.tier(to))
        elif to is None and tier in new and before.tier(tier) != now.tier(tier):
            yield words.say("change tier mapped", tier=before.tier(tier), to=now.tier(tier))
        elif to is None and tier not in new:
            yield words.say("change tier removed", tier=before.tier(tier))
    reached = {mapping.get(tier, tier) for tier in old}
    added = [tier for tier in new if tier not in reached]
    for tier in added:
        yield words.say("change tier added", tier=now.tier(tier))
    renamed = list(dict.fromkeys(mapping.get(tier, tier) for tier in old))
    if [tier for tier in new if tier not in added] != [tier for tier in renamed if tier in new] or added:
        key = "change classes" if now.model.spec.unordered else "change tiers"
        yield words.say(key, tiers=words.joined((now.tier(tier) for tier in new), "comma"))


def _by_new_names(rules: Mapping[tuple[str, str], str], mapping: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """By the tiers as they are called now. Of several that become one, the one that bears its name speaks for it."""
    named: dict[tuple[str, str], str] = {}
    for (tier, what), told in rules.items():
        place = (mapping.get(tier, tier), what)
        if place not in named or place[0] == tier:
            named[place] = told
    return named


def _compared(words: Vocabulary, before: Mapping[Any, str], now: Mapping[Any, str]) -> Iterator[str]:
    """Sentences under the same keys side by side. What only moved is not told."""
    for key, told in now.items():
        if key not in before:
            yield words.say("change new", now=told)
        elif before[key] != told:
            yield words.say("change both", now=told, before=before[key])
    for key, told in before.items():
        if key not in now:
            yield words.say("change gone", before=told)


def _of_scores(before: ModelWords, now: ModelWords) -> Iterator[str]:
    """What rules do not show by themselves: thresholds of scores that others weigh, and how scores come about."""
    old, new, words = before.model.spec, now.model.spec, now.vocabulary
    for name, score in new.scores.items():
        was = old.scores.get(name)
        if was is None:
            continue
        same_kind = isinstance(score, CutScore) and isinstance(was, CutScore) and score.of == was.of
        if same_kind and score.best == was.best:  # type: ignore[union-attr]
            if score.cuts != was.cuts:  # type: ignore[union-attr]
                told = {"now": _cuts(now, score), "before": _cuts(before, was)}
                yield words.say("change cuts", name=now.name(name), **told)
        elif score != was or _trained(old, name) != _trained(new, name):
            yield words.say("change score", name=now.name(name))


def _trained(spec: TierModelSpec, name: str) -> Any:
    return spec.fitted.learned.get(name) if spec.fitted is not None else None


def _cuts(words: ModelWords, score: Any) -> str:
    cuts = () if score.cuts == "fitted" else score.cuts
    return words.vocabulary.joined((words.value(score.of, cut) for cut in cuts), "comma")


def _of_places(words: Vocabulary, before: TierModelSpec, now: TierModelSpec) -> Iterator[str]:
    if before.time_zone != now.time_zone:
        yield words.say("change zone", now=now.time_zone, before=before.time_zone)
    if before.currency != now.currency:
        yield words.say("change currency", now=now.currency, before=before.currency)
