"""Replace what a version says before it is ever in force."""

from application.benefits.definitions.lint_benefit import sound
from application.benefits.definitions.ports import Benefits, BenefitView, change_version
from domain.benefits.reading import BenefitInvalid
from domain.benefits.spec import content_hash, spec_to_json
from domain.tier_model.spec.faults import Fault


class ReviseBenefit:
    """Any change takes a submission and an approval away; the same content changes nothing."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(
        self, name: str, version: int | None, text: str | bytes, actor: str, *, command_id: str = ""
    ) -> tuple[BenefitView, list[Fault]]:
        """The version and the lint's warnings.

        Raises BenefitInvalid, UnknownBenefit, VersionUnknown, VersionPublished.
        """
        spec, warnings = sound(text, self._benefits.surroundings())
        if spec.benefit != name:
            remedy = f"Keep {name}, or draft it as a benefit of its own"
            raise BenefitInvalid([Fault("benefit", None, None, spec.benefit, "is another benefit", remedy)])
        view, _ = change_version(
            self._benefits,
            name,
            version,
            lambda benefit, number, by: benefit.revise(
                number, spec=spec_to_json(spec), content_hash=content_hash(spec), by=by
            ),
            actor=actor,
            command_id=command_id,
        )
        return view, warnings
