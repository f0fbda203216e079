"""The policy block and the labels: what has no effect."""

from collections.abc import Iterator

from domain.tier_model.lint.places import Places
from domain.tier_model.spec import GROWTH, Downgrade, ModelFault, ReviewEvery, TierModelSpec


def policy_faults(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    """What waits for what never comes, warns of nothing, or changes nothing."""
    policy, fall = spec.policy, spec.policy.downgrade
    if spec.unordered:
        for key in sorted(policy.model_fields_set - {"minimum_stay"}):
            remedy = "Classes change at once, after minimum_stay: leave it out"
            yield places.warning(("policy", key), None, "has no effect in an unordered model", remedy)
        return
    calendar = isinstance(fall, Downgrade) and fall.review not in ("continuous", "validity")
    if isinstance(fall, Downgrade) and fall.review == "validity" and policy.validity is None:
        remedy = "Give the policy a validity, such as 12 months, or choose other reviews"
        yield places.error(
            ("policy", "downgrade", "review"), "validity", "waits for validity to end: there is none", remedy
        )
        return
    if isinstance(fall, Downgrade) and isinstance(fall.review, ReviewEvery):
        yield from _uneven(fall.review, places)
    if policy.upgrade == "at_review" and not (isinstance(fall, Downgrade) and fall.review != "continuous"):
        remedy = "Without a review calendar every decision is a review: write immediate, or choose a calendar"
        yield places.warning(("policy", "upgrade"), "at_review", "is the same as immediate here", remedy)
    if policy.warn is not None and not calendar and policy.validity is None:
        remedy = "Warnings come before calendar reviews and the end of validity: add one, or leave warn out"
        yield places.warning(("policy", "warn"), str(policy.warn), "warns of nothing", remedy)
    if policy.minimum_stay is not None and fall == "never" and policy.validity is None:
        remedy = "Nobody falls under downgrade: never: leave it out"
        yield places.warning(("policy", "minimum_stay"), str(policy.minimum_stay), "has no effect", remedy)


def _uneven(review: ReviewEvery, places: Places) -> Iterator[ModelFault]:
    """Months are counted from January, each year anew."""
    step = review.every.count
    if 12 % step:
        months = ", ".join(str(month) for month in range(1, 13, step))
        message = f"begins anew each January: reviews are in the months {months} of a year"
        remedy = "Choose 1, 2, 3, 4, 6 or 12 months for stretches of the same length"
        yield places.warning(("policy", "downgrade", "review", "every"), str(review.every), message, remedy)


def label_faults(spec: TierModelSpec, places: Places) -> Iterator[ModelFault]:
    """Labels of nothing."""
    known = {spec.scheme, *spec.tiers, *spec.features, *spec.scores, *([GROWTH] if spec.growth is not None else [])}
    for name in spec.labels:
        if name not in known:
            message = "labels nothing in this model"
            yield places.warning(("labels", name), name, message, "Label tiers, features and scores")
