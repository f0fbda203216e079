"""Features in words: what is counted, and over which window."""

from domain.tier_model.expression import compile_fact_condition
from domain.tier_model.spec import (
    GROWTH,
    DaysSince,
    Feature,
    FieldReference,
    Length,
    Rate,
    Share,
    Sum,
    Top,
    Trend,
    Window,
)
from domain.tier_model.words.conditions import facts_in_words
from domain.tier_model.words.vocabulary import Vocabulary


def name_in_words(words: Vocabulary, name: str) -> str:
    """A feature, a score or the growth value: by its label, else what it is, else its name."""
    label = words.label(name)
    if label is not None:
        return label
    if name == GROWTH and words.spec.growth is not None:
        return words.say("growth")
    feature = words.spec.features.get(name)
    return name if feature is None else feature_in_words(words, feature)


def feature_in_words(words: Vocabulary, feature: Feature) -> str:
    """What it is, without regard to its label."""
    what = _what(words, feature)
    window = window_in_words(words, feature.window)
    if window is not None:
        what = words.say("windowed", what=what, window=window)
    if feature.where is not None:
        what = words.say("where", what=what, condition=_of_facts(words, feature.where))
    if feature.after is not None:
        what = words.say("matured", what=what, length=words.length(feature.after))
    return words.say("at order", what=what) if feature.refunds == "at_order" else what


def window_in_words(words: Vocabulary, window: Window) -> str | None:
    """The window; None when it holds all facts."""
    if window.length is not None:
        told = words.say("window length", length=words.length(Length(window.length, window.unit)))
    elif window.calendar is not None:
        told = words.say(f"window {'last' if window.last else 'this'} {window.calendar}")
    elif window.since is not None:
        told = words.say(f"window {window.since}")
    elif window.through_yesterday:
        told = words.say("window all")
    else:
        return None
    return words.say("window yesterday", window=told) if window.through_yesterday else told


def _what(words: Vocabulary, feature: Feature) -> str:
    match feature:
        case Sum():
            total = words.say("sum", what=field_in_words(words, feature.fields[0]))
            minus = feature.minus
            return total if minus is None else words.say("less", what=total, minus=field_in_words(words, minus))
        case DaysSince():
            key = "days_since first" if feature.first else "days_since"
            return words.say(key, facts=words.kind(feature.days_since))
        case Top():
            return words.say(f"top {feature.by}", what=field_in_words(words, feature.fields[0]))
        case Share():
            condition = _of_facts(words, feature.of)
            return words.say("share", what=_reading(words, feature.share), condition=condition)
        case Trend():
            how, what = feature.trend.split()
            told = words.say("count", facts=words.kind(what)) if how == "count" else _reading(words, what)
            return words.say("trend", what=told)
        case Rate():
            return words.say("rate", facts=words.kind(feature.rate), length=words.length(feature.per))
    if not feature.fields:
        return words.say(feature.key, facts=words.kind(feature.kinds[0]))
    return words.say(feature.key, what=field_in_words(words, feature.fields[0]))


def field_in_words(words: Vocabulary, field: FieldReference) -> str:
    """A field of a kind of facts."""
    facts = words.kind(field.kind)
    if field.of_lines:
        return words.say("field lines", facts=facts, field=field.field)
    return (
        words.say("field amount", facts=facts)
        if field.is_amount
        else words.say("field", facts=facts, field=field.field)
    )


def _reading(words: Vocabulary, text: str) -> str:
    """KIND, KIND.FIELD or KIND.lines.FIELD."""
    kind, *rest = text.split(".")
    return field_in_words(words, FieldReference(kind, rest[-1], len(rest) == 2)) if rest else words.kind(kind)


def _of_facts(words: Vocabulary, text: str) -> str:
    return facts_in_words(words, compile_fact_condition(text, words.spec.currency))
