"""Say what is wrong with a benefit file, beside the schemes and budgets that there are. Stores nothing."""

from application.benefits.definitions.ports import Benefits
from domain.benefits.aggregate import Benefit
from domain.benefits.lint import Surroundings, lint, lint_text
from domain.benefits.reading import BenefitInvalid, read_benefit
from domain.benefits.spec import BenefitSpec
from domain.tier_model.spec.faults import Fault


class LintBenefit:
    """Reads only."""

    def __init__(self, benefits: Benefits) -> None:
        self._benefits = benefits

    def __call__(self, text: str | bytes) -> list[Fault]:
        """Every fault, errors first; what cannot be read is a list of faults too."""
        return lint_text(text, self._benefits.surroundings())


def sound(text: str | bytes, beside: Surroundings) -> tuple[BenefitSpec, list[Fault]]:
    """The benefit and the lint's warnings. Raises BenefitInvalid when it has an error."""
    spec, source = read_benefit(text)
    faults = lint(spec, source, beside)
    refuse_errors(faults)
    return spec, faults


def require_ready(benefit: Benefit, number: int, beside: Surroundings) -> None:
    """A version has no error beside what there is now; an unknown one is for the aggregate. Raises BenefitInvalid."""
    if number in benefit.versions:
        refuse_errors(lint(BenefitSpec.model_validate(benefit.versions[number].spec), None, beside))


def refuse_errors(faults: list[Fault]) -> None:
    """Raises BenefitInvalid, if there are any."""
    errors = [fault for fault in faults if fault.severity == "error"]
    if errors:
        raise BenefitInvalid(errors)
