"""Recurring issues of benefits: defined, revised, retired, and how they go."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from application.benefits.reacting import ActiveIssuance
from application.definitions.ports import Definitions, DefinitionView, by
from application.definitions.shown import shown
from domain.benefits.lint import Surroundings, one_of
from domain.benefits.refusals import UnknownBenefit
from domain.definitions.refusals import DefinitionInvalid, UnknownDefinition
from domain.issuances.aggregate import Issuance
from domain.issuances.spec import IssuanceSpec
from domain.refusal import Complaint
from domain.tier_model.spec.faults import complaints_of
from domain.tier_model.spec.reading import remedy_of
from domain.tier_model.spec.source import read_source


@dataclass(frozen=True, slots=True)
class Issuances:
    """What people do with them. exists: whether a benefit does; beside: the schemes and budgets that there are;
    progress: issued and refused so far, of one."""

    definitions: Definitions[Issuance]
    exists: Callable[[str], bool]
    beside: Callable[[], Surroundings]
    progress: Callable[[str], Mapping[str, Any]]

    def define(
        self, name: str, wanted: Mapping[str, Any], actor: str, command_id: str = ""
    ) -> tuple[DefinitionView, int]:
        """A new one, or a revision of the one that is there; the position, 0 when nothing changed.

        Raises DefinitionInvalid, also for a scheme, tier or budget that is not there; DefinitionRetired and
        UnknownBenefit.
        """
        spec = read_issuance(name, wanted)
        if not self.exists(spec.benefit):
            raise UnknownBenefit(spec.benefit)
        if complaints := _out_of_place(spec, self.beside()):
            raise DefinitionInvalid("The issuance cannot stand.", *complaints)
        plain = spec.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        with self.definitions.change(name) as change:
            found, who = change.found, by(change, actor, command_id)
            if found is None:
                found = Issuance.define(None, name, plain, who)
            else:
                found.revise(plain, who)
            return change.save(found)

    def retire(self, name: str, actor: str, reason: str = "", command_id: str = "") -> tuple[DefinitionView, int]:
        """Nothing is issued any more; what was stays. Raises UnknownDefinition."""
        with self.definitions.change(name) as change:
            if change.found is None:
                raise self._unknown(name)
            change.found.retire(reason, by(change, actor, command_id))
            return change.save(change.found)

    def find(self, name: str) -> DefinitionView:
        """Raises UnknownDefinition."""
        view = self.definitions.find(name)
        if view is None:
            raise self._unknown(name)
        return view

    def shown(self, view: DefinitionView) -> dict[str, Any]:
        """As it is answered, with what was issued and refused so far."""
        return shown(view) | dict(self.progress(view.name))

    def _unknown(self, name: str) -> UnknownDefinition:
        return UnknownDefinition(Issuance.KIND, name, [one.name for one in self.definitions.list()])


def active_issuances(views: Sequence[DefinitionView]) -> list[ActiveIssuance]:
    """Those that are not retired."""
    return [
        ActiveIssuance(view.name, view.revision, IssuanceSpec.model_validate(view.spec), view.changed_at)
        for view in views
        if not view.retired
    ]


def issuance_in(text: bytes) -> Mapping[str, Any]:
    """What a YAML or JSON file says. Raises DefinitionInvalid with the place of what cannot be read."""
    keys = "benefit, time_zone, and monthly, birthday or upgrade"
    found = read_source(
        text, keys, lambda faults: DefinitionInvalid("It cannot be read.", *complaints_of(faults, "issuance"))
    )
    if not isinstance(found.data, dict):
        raise DefinitionInvalid("The file is no issuance.", Complaint("issuance", None, f"give {keys}"))
    return found.data


def read_issuance(name: str, wanted: Mapping[str, Any]) -> IssuanceSpec:
    """Raises DefinitionInvalid with every fault."""
    complaints = []
    if not name or len(name) > 64 or not all(letter.isalnum() or letter in "-_" for letter in name):
        complaints.append(Complaint("name", name[:100], "use 1 to 64 letters, digits, _ and -"))
    try:
        spec = IssuanceSpec.model_validate(dict(wanted))
    except ValidationError as error:
        complaints += [
            Complaint(".".join(map(str, one["loc"])) or "issuance", _plain(one["input"]), _remedy(remedy_of(one)))
            for one in error.errors(include_url=False)
        ]
    if complaints:
        raise DefinitionInvalid("The issuance cannot stand.", *complaints)
    return spec


def _out_of_place(spec: IssuanceSpec, beside: Surroundings) -> list[Complaint]:
    """What it names that is not there: it would issue nothing, and nobody would know."""
    complaints = [
        Complaint("budgets", budget, one_of(budget, beside.budgets, "define it, or leave it out"))
        for budget in spec.budgets
        if budget not in beside.budgets
    ]
    if spec.upgrade is None:
        return complaints
    if spec.upgrade not in beside.tiers or spec.upgrade in beside.scoped:
        schemes = set(beside.tiers) - set(beside.scoped)
        return [*complaints, Complaint("upgrade", spec.upgrade, one_of(spec.upgrade, schemes, "activate a model"))]
    tiers = beside.tiers[spec.upgrade]
    return complaints + [Complaint("into", tier, one_of(tier, tiers, "")) for tier in spec.into if tier not in tiers]


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool | None) else None


def _remedy(message: str) -> str:
    return message.removeprefix("Value error, ")
