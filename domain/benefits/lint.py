"""Finds what is wrong with a benefit beside what there is, and says where."""

import difflib
from collections.abc import Collection, Iterator, Mapping

import msgspec

from domain.benefits.growth import beyond_a_grant
from domain.benefits.kinds.points import PointsDetails
from domain.benefits.reading import BenefitInvalid, read_benefit
from domain.benefits.spec import BenefitSpec
from domain.facts.instants import format_instant, parse_instant
from domain.facts.kinds import KindDefinition
from domain.tier_model.lint import Places
from domain.tier_model.spec.faults import Fault
from domain.tier_model.spec.source import Source


class Surroundings(msgspec.Struct, frozen=True):
    """What a benefit is looked at beside. tiers: of each scheme in force, and whether it is kept per something;
    budgets: the currency of each; now: microseconds; kinds: of facts."""

    tiers: Mapping[str, Collection[str]]
    scoped: Collection[str]
    budgets: Mapping[str, str]
    now: int
    kinds: Mapping[str, KindDefinition] = msgspec.field(default_factory=dict)


def lint(spec: BenefitSpec, source: Source | None = None, beside: Surroundings | None = None) -> list[Fault]:
    """Every fault, errors first. A benefit with an error must not be put in force. Never raises.

    source: of the text that the spec was read from, for lines and columns. beside: None: not known.
    """
    places = Places(source)
    found = [*_own_faults(spec, places)]
    if beside is not None:
        found += [*_entitlement_faults(spec, beside, places), *_budget_faults(spec, beside, places)]
        found += [*_end_faults(spec, beside.now, places), *_growth_faults(spec, beside, places)]
    return sorted(found, key=lambda fault: (fault.severity != "error", fault.line or 0, fault.column or 0))


def lint_text(text: str | bytes, beside: Surroundings | None = None) -> list[Fault]:
    """lint of a benefit file; what cannot be read is a list of faults too. Never raises."""
    try:
        spec, source = read_benefit(text)
    except BenefitInvalid as problem:
        return problem.errors
    return lint(spec, source, beside)


def one_of(wanted: str, known: Collection[str], without: str) -> str:
    """A remedy for a name that is not known; without: where none is."""
    if not known:
        return without
    near = difflib.get_close_matches(wanted, list(known), n=1)
    hint = f"Did you mean {near[0]}? " if near else ""
    return f"{hint}There are: {', '.join(sorted(known))}"


def _own_faults(spec: BenefitSpec, places: Places) -> Iterator[Fault]:
    caps, rules = spec.caps, spec.redemption
    if caps.per_user is not None and caps.per_period is not None and caps.per_period.units > caps.per_user:
        message = f"is more than a user may have at all ({caps.per_user})"
        yield places.warning(
            ("caps", "per_period", "units"), caps.per_period.units, message, "Lower it, or raise per_user"
        )
    if not spec.in_part and rules.most_times is not None and rules.most_times > 1:
        message = "has no effect: a grant is redeemed whole, once"
        yield places.warning(
            ("redemption", "most_times"), rules.most_times, message, "Leave it out, or say in_part: true"
        )
    if spec.budget is not None and not spec.touches_money:
        yield places.warning(("budget",), spec.budget, "is never charged: a unit costs nothing", "Give a unit_cost")
    if spec.stock == 0:
        yield places.warning(
            ("stock",), 0, "lets nothing be granted", "Raise it, or leave it out for as many as you like"
        )


def _entitlement_faults(spec: BenefitSpec, beside: Surroundings, places: Places) -> Iterator[Fault]:
    for scheme, tiers in spec.entitlement.items():
        path = ("entitlement", scheme)
        if scheme not in beside.tiers:
            yield places.error(path, scheme, "is no scheme in force", one_of(scheme, beside.tiers, "Activate a model"))
        elif scheme in beside.scoped:
            remedy = "Name a scheme that is kept for the platform as a whole"
            yield places.error(path, scheme, "is a scheme with a standing per merchant", remedy)
        else:
            for number, tier in enumerate(tiers):
                if tier not in beside.tiers[scheme]:
                    remedy = one_of(tier, beside.tiers[scheme], "")
                    yield places.error((*path, number), tier, f"is no tier of scheme {scheme!r}", remedy)


def _budget_faults(spec: BenefitSpec, beside: Surroundings, places: Places) -> Iterator[Fault]:
    if spec.budget is None:
        return
    currency = beside.budgets.get(spec.budget)
    if currency is None:
        remedy = one_of(spec.budget, beside.budgets, "Define it, or leave it out")
        yield places.error(("budget",), spec.budget, "is no budget that there is", remedy)
    elif currency != spec.currency:
        message = f"is in {currency}, and the benefit costs {spec.currency}"
        yield places.error(("budget",), spec.budget, message, f"Name a budget in {spec.currency}")


def _end_faults(spec: BenefitSpec, now: int, places: Places) -> Iterator[Fault]:
    until = None if spec.validity is None else spec.validity.until
    if until is not None and parse_instant(until) <= now:
        message = f"has passed: it is {format_instant(now)}"
        yield places.error(("validity", "until"), until, message, "Give an instant that is still to come")


def _growth_faults(spec: BenefitSpec, beside: Surroundings, places: Places) -> Iterator[Fault]:
    kind = PointsDetails.model_validate(spec.details).fact_kind if spec.kind == "points" else None
    if kind is None:
        return
    path = ("details", "fact_kind")
    if kind not in beside.kinds:
        remedy = f"Register it, for growth rules to earn by (of: {kind}.value). {one_of(kind, beside.kinds, '')}"
        yield places.error(path, kind, "is no kind of facts that is registered", remedy)
    elif missing := beyond_a_grant(beside.kinds[kind]):
        message = f"asks for what a grant does not have: {', '.join(missing)}"
        yield places.error(path, kind, message, "Name a kind that asks for no more than attributes.value")
