"""Why a user stands where they stand, what is missing for the next tier, and what would make it drop: in words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.tier_model.calendar import DAY_MICROS
from domain.tier_model.column import Scalar
from domain.tier_model.compiled import CompiledModel, RulePlan
from domain.tier_model.expression import Condition, tag_column
from domain.tier_model.holding import demanded
from domain.tier_model.names import TIER
from domain.tier_model.spec import CutScore, WeightedScore
from domain.tier_model.words.catalogue import CATALOGUES, Language
from domain.tier_model.words.model import ModelWords
from domain.user_tier.holds import PinMode
from domain.user_tier.observation import SchemeObservation, Standing, running_grace

Values = Mapping[str, Scalar]


@dataclass(frozen=True, slots=True)
class Came:
    """How the tier was come to: the clause of the policy and the cause that the transition's event names.

    from_model: the version that has from_tier; None: the present one.
    """

    clause: str
    cause: str
    from_tier: str | None
    from_model: CompiledModel | None = None


@dataclass(frozen=True, slots=True)
class Fall:
    """What time alone makes of the tier, and when (microseconds). grace_at: its grace begins. values: those then."""

    instant: int
    to_tier: str
    grace_at: int | None
    values: Values


@dataclass(frozen=True, slots=True)
class Place:
    """A user's place on one scheme, as of now (microseconds): all that the words are made of.

    values: features, scores, and what the rules read besides, by tier.SCHEME; tags: those that the user has.
    ahead: how far fall was looked for, microseconds.
    """

    model: CompiledModel
    seen: SchemeObservation
    values: Values
    tags: frozenset[str]
    now: int
    ahead: int
    came: Came | None = None
    fall: Fall | None = None


@dataclass(frozen=True, slots=True)
class Reasons:
    """A sentence each. why: the tier; next: what the next one takes; drop: what would make it drop, and when."""

    why: tuple[str, ...]
    next: tuple[str, ...]
    drop: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it: a line each of the three."""
        between = "" if self.why[0].endswith("。") else " "
        return "\n".join(between.join(part) for part in (self.why, self.next, self.drop) if part)


def reasons(place: Place, language: Language) -> Reasons:
    """One place in one language."""
    speaker = _Speaker(place, ModelWords(place.model, language))
    return Reasons(tuple(speaker.why()), tuple(speaker.next()), tuple(speaker.drop()))


class _Speaker:
    def __init__(self, place: Place, words: ModelWords) -> None:
        self.place, self.words, self.model = place, words, place.model
        self.say, self.date = words.vocabulary.say, words.vocabulary.date
        self.standing: Standing = place.seen.standing
        rank = self.model.policy.rank
        self.current, self.qualified = rank[self.standing.tier], rank[place.seen.qualified]

    # ------------------------------------------------------------------------------------------------------------ why

    def why(self) -> Iterator[str]:
        """How it stands, how it came, what the rules say of it now, and what holds it."""
        yield self.say("stands", tier=self.words.tier(self.standing.tier), since=self.date(self.standing.since))
        yield from self._came()
        yield from self._rule()
        yield from self._holds()
        if not self._still:
            yield from self._waiting()
        if self.standing.validity_until is not None:
            yield self.say("valid until", date=self.date(self.model.policy.validity_end(self.standing)))

    def _came(self) -> Iterator[str]:
        came = self.place.came
        if came is None:
            return
        language = self.words.vocabulary.language
        known, words = CATALOGUES[language], ModelWords(came.from_model or self.model, language)
        for key in (f"came {came.clause}", f"cause {came.cause}"):
            if key in known:
                yield self.say(key, from_tier=words.tier(came.from_tier or ""))

    def _rule(self) -> Iterator[str]:
        """The rule that decides now, with the numbers that it reads."""
        tier, version = self.words.tier(self.place.seen.qualified), self.model.version
        rule = self._rule_of(self.qualified)
        if rule is None:
            yield self.say("qualifies lowest", tier=tier, version=version)
            return
        entered = rule.enter.holds(self.place.values, self.place.tags) is True
        condition = rule.enter if entered or rule.keep is None else rule.keep
        key = "qualifies" if entered else "qualifies keep"
        yield self.say(key, tier=tier, version=version, condition=self.words.condition(condition))
        for name in self._read_by(condition):
            yield self.say("number", name=self._named(name), value=self._value(name, self.place.values))

    def _holds(self) -> Iterator[str]:
        standing = self.standing
        if standing.pin is not None:
            until = self._until(standing.pin.until)
            yield self.say(f"pinned {standing.pin.mode}", tier=self.words.tier(standing.pin.tier), until=until)
        if standing.frozen is not None:
            yield self.say("frozen", until=self._until(standing.frozen.until))
        promise = standing.protected
        if promise is None:
            return
        if promise.one_rung:
            yield self.say("landing")
        if promise.floor is not None and promise.until is None:
            yield self.say("protected", tier=self.words.tier(promise.floor))
        elif promise.floor is not None and promise.until is not None:
            tier, date = self.words.tier(promise.floor), self.date(promise.until)
            yield self.say("protected until", tier=tier, date=date)

    def _waiting(self) -> Iterator[str]:
        """Why it is not what the rules say."""
        if self.model.spec.unordered or self.current == self.qualified:
            return
        if self.qualified > self.current:
            if self.model.policy.policy.upgrade_at_review:
                yield self.say("rises at review")
            return
        grace, policy = running_grace(self.standing, self.place.now), self.model.policy
        floored = self.standing.protected is not None or self.current <= policy.floor(self.standing, self.place.now)
        if grace is not None:
            yield self.say("in grace", date=self.date(grace))
        elif policy.policy.downgrade and not floored:
            stay = self._stay_end()
            if stay > self.place.now:
                yield self.say("in minimum stay", date=self.date(stay))
            else:
                yield self.say("waits for review")

    # ------------------------------------------------------------------------------------------------ next and drop

    def next(self) -> Iterator[str]:
        """What the next tier takes."""
        seen = self.place.seen
        if self.model.spec.unordered:
            yield self.say("next class")
            return
        if seen.next_tier is None:
            yield self.say("next highest")
            return
        held = self._held_from("ceiling")
        if held is not None:
            yield self.say("next held", until=held)
            rank, then = self._then()
            if then is not None and (rank > self.current or self._pin_waits):
                yield then
                return
        if not seen.missing:
            yield self.say("next met", tier=self.words.tier(seen.next_tier))
            return
        parts = [self.words.missing(part, self.place.values) for part in seen.missing]
        told = self.words.vocabulary.joined(parts, "and")
        key = "next for" if held is None else "next after"
        yield self.say(key, tier=self.words.tier(seen.next_tier), parts=told)

    def drop(self) -> Iterator[str]:
        """What keeps it, how it is lost, and when time alone does so."""
        held = self._held_from("floor")
        rank, then = self._then() if held is not None else (self.current, None)
        if self.model.spec.unordered:
            if held is None:
                yield from self.words.policy()[:1]
            else:
                yield self.say("class held", until=held)
                yield then or self.say("class after")
        elif self.current == 0:
            yield self.say("drop lowest")
            return
        else:
            if held is not None:
                yield self.say("drop held")
            if then is not None and rank < self.current:
                yield then
            else:
                yield from self._lost()
        yield from self._by_time()

    def _lost(self) -> Iterator[str]:
        rule = self._rule_of(self.current)
        if rule is not None:
            yield self.say("drop keeps", condition=self.words.condition(rule.keep or rule.enter))
        yield self.words.fall()

    def _by_time(self) -> Iterator[str]:
        fall = self.place.fall
        if fall is None:
            length = self.words.vocabulary.counted("day", self.place.ahead // DAY_MICROS)
            if self.model.policy.policy.downgrade and not self.model.spec.unordered:
                yield self.say("drop not by time", length=length)
            return
        if fall.grace_at is not None:
            yield self.say("drop grace", date=self.date(fall.grace_at))
        yield self.say("drop on", tier=self.words.tier(fall.to_tier), date=self.date(fall.instant))
        rule = self._rule_of(self.current)
        for name in self._features_of(rule.keep or rule.enter) if rule is not None else ():
            now, then = (self._value(name, values) for values in (self.place.values, fall.values))
            if name in fall.values and now != then:
                yield self.say("drop number", name=self._named(name), value=then, now=now)

    # ---------------------------------------------------------------------------------------------------------- holds

    def _held_from(self, mode: PinMode) -> str | None:
        """Until when people keep it from rising (as a ceiling does) or from falling (a floor); None: they do not."""
        pin, frozen, ends = self.standing.pin, self.standing.frozen, list[int | None]()
        if frozen is not None:
            ends.append(frozen.until)
        if pin is not None and not self._pin_waits:
            binds = pin.mode == mode and self.model.policy.rank[pin.tier] == self.current
            ends += [pin.until] if binds or pin.mode == "exact" else []
        if not ends:
            return None
        return self._until(None if None in ends else max(end for end in ends if end is not None))

    @property
    def _pin_waits(self) -> bool:
        """Whether a pin is to move it once a freeze is over."""
        pin = self.standing.pin
        return pin is not None and demanded(self.model.policy, self.standing, pin) != self.current

    def _then(self) -> tuple[int, str | None]:
        """Where it goes by itself when the hold is over, as a rank and in words; None: nowhere."""
        pin, covered, rank = self.standing.pin, self.standing.covered, self.model.policy.rank
        if pin is not None and self._pin_waits:
            there = demanded(self.model.policy, self.standing, pin)
            return there, self.say("then pinned", tier=self.words.tier(self.model.tiers[there]))
        if covered is not None and covered.tier != self.standing.tier:
            return rank[covered.tier], self.say("then back", tier=self.words.tier(covered.tier))
        return self.current, None

    # ---------------------------------------------------------------------------------------------------------- parts

    @property
    def _still(self) -> bool:
        return self.model.policy.is_still(self.standing)

    def _rule_of(self, rank: int) -> RulePlan | None:
        """None: no rule is needed there; or the default has one that is not true, and what is left is there without."""
        rule = next((rule for rule in self.model.rules if rule.rank == rank), None)
        if rule is None or self.model.tiers[rank] != self.model.spec.default:
            return rule
        return rule if rule.enter.holds(self.place.values, self.place.tags) is True else None

    def _stay_end(self) -> int:
        days, calendar = self.model.policy.policy.minimum_stay_days or 0, self.model.calendar
        return calendar.midnight_of(calendar.day_of(self.standing.since) + days) if days else self.standing.since

    def _until(self, until: int | None) -> str:
        return self.say("until lifted") if until is None else self.say("until", date=self.date(until))

    def _read_by(self, condition: Condition) -> list[str]:
        """What a rule reads, scores before what they are made of; tags last."""
        names: dict[str, None] = {}
        for name in sorted(condition.names):
            names |= dict.fromkeys([name, *self._made_of(name)])
        return [*names, *(tag_column(tag) for tag in sorted(condition.tags))]

    def _features_of(self, condition: Condition) -> list[str]:
        return [name for name in self._read_by(condition) if name in self.place.seen.features]

    def _made_of(self, name: str) -> list[str]:
        score = self.model.spec.scores.get(name)
        if isinstance(score, CutScore):
            return [score.of, *self._made_of(score.of)]
        if isinstance(score, WeightedScore):
            return [part for weighed in score.weighted for part in (weighed, *self._made_of(weighed))]
        return []

    def _named(self, name: str) -> str:
        if name.startswith(TIER):
            return self.say("tier of", scheme=name.removeprefix(TIER))
        return self.words.name(name)

    def _value(self, name: str, values: Values) -> str:
        return self.words.value(name, values.get(name))
