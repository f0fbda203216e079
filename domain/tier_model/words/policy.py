"""The policy and the growth value of a model in words."""

from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import compile_fact_condition
from domain.tier_model.spec import Downgrade, Earn, FieldReference, ReviewEvery
from domain.tier_model.words.conditions import facts_in_words
from domain.tier_model.words.features import field_in_words
from domain.tier_model.words.vocabulary import Vocabulary


def policy_in_words(words: Vocabulary) -> dict[str, str]:
    """How a tier is reached, kept and lost, a sentence each."""
    spec = words.spec
    policy = spec.policy
    told: dict[str, str] = {}
    if spec.unordered:
        told["upgrade"] = words.say("class changes")
    else:
        told["upgrade"] = words.say(f"upgrade {policy.upgrade}")
        told["downgrade"] = fall_in_words(words)
    if policy.minimum_stay is not None:
        told["minimum_stay"] = words.say("minimum stay", length=words.length(policy.minimum_stay))
    if policy.validity is not None and not spec.unordered:
        length, end = words.length(policy.validity.length), policy.validity.to_end_of
        if end is None:
            told["validity"] = words.say("validity", length=length)
        else:
            told["validity"] = words.say("validity to end", length=length, period=words.say(f"period {end}"))
    if policy.warn is not None and not spec.unordered:
        told["warn"] = words.say("warned", length=words.length(policy.warn))
    return told


def fall_in_words(words: Vocabulary) -> str:
    """How a tier is lost. Only of ordered tiers."""
    fall = words.spec.policy.downgrade
    if not isinstance(fall, Downgrade):
        return words.say("downgrade never")
    grace = words.say("after grace", length=words.length(fall.grace)) if fall.grace is not None else ""
    if isinstance(fall.review, ReviewEvery):
        review = words.say("review every", day=fall.review.day, length=words.length(fall.review.every))
    elif fall.review == "continuous" and fall.grace is not None:  # not "at once", and then not before it ends
        review, grace = words.say("grace alone", length=words.length(fall.grace)), ""
    else:
        review = words.say(f"review {fall.review}")
    steps = "" if fall.steps == "all" else words.say("by steps", steps=words.counted("rung", fall.steps))
    return words.say("falls", review=review, grace=grace, steps=steps)


def growth_in_words(words: Vocabulary, model: CompiledModel) -> dict[str, str]:
    """What earns growth value, and what the end of validity deducts: by the rule's name, and `deduct TIER`."""
    growth, told = words.spec.growth, {}
    if growth is None or model.growth is None:
        return {}
    for (name, rule), plan in zip(sorted(growth.earn.items()), model.growth.earn, strict=True):
        what = _earned_of(words, rule)
        if rule.each is None:
            told[name] = words.say("earn", points=words.counted("point", rule.points), what=what)
        else:
            amount = rule.field == "amount"
            each = words.money(plan.each) if amount else f"{plan.each:,}"
            told[name] = words.say("earn each", points=words.counted("point", rule.points), each=each, what=what)
    for tier, points in growth.deduct.items():
        if points == "all":
            told[f"deduct {tier}"] = words.say("deduct all", tier=words.tier(tier))
        else:
            counted = words.counted("point", points)
            told[f"deduct {tier}"] = words.say("deduct", tier=words.tier(tier), points=counted)
    return told


def _earned_of(words: Vocabulary, rule: Earn) -> str:
    field = rule.field
    what = words.kind(rule.kind) if field is None else field_in_words(words, FieldReference(rule.kind, field))
    if rule.where is None:
        return what
    condition = facts_in_words(words, compile_fact_condition(rule.where, words.spec.currency))
    return words.say("where", what=what, condition=condition)
