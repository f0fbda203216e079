"""Take a benefit file in as a version of its benefit."""

from application.benefits.definitions.lint_benefit import sound
from application.benefits.definitions.ports import Benefits, BenefitView, views_of
from domain.benefits.aggregate import Benefit
from domain.benefits.spec import content_hash, spec_to_json
from domain.tier_model.spec.faults import Fault
from domain.tier_model.version import By


class DraftBenefit:
    """Drafts a version from YAML or JSON. The content of a version that is not retired is that version again."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(self, text: str | bytes, actor: str, *, command_id: str = "") -> tuple[BenefitView, list[Fault]]:
        """The version and the lint's warnings. Raises BenefitInvalid."""
        spec, warnings = sound(text, self._benefits.surroundings())
        written, digest = spec_to_json(spec), content_hash(spec)
        with self._benefits.change(spec.benefit) as change:
            by, benefit = By(change.now, actor, command_id), change.benefit
            if benefit is None:
                benefit = Benefit.first_draft(spec.benefit, spec=written, content_hash=digest, by=by)
            else:
                there = [view for view in views_of(benefit) if view.status != "retired" and view.content_hash == digest]
                if there:
                    return there[-1], warnings
                benefit.draft(spec=written, content_hash=digest, by=by)
            change.save(benefit)
            return views_of(benefit)[-1], warnings
