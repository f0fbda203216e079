"""Everything that can be done: the table of contents of the writing side. One use case a file, wired in one place."""

from typing import Protocol

from application.benefits.catalogue import BenefitCatalogue
from application.benefits.grants import Grants
from application.bulk_grants.bulk_grants import BulkGrants
from application.compliance.verifications import Verifications
from application.effects.measure_model_effect import MeasureModelEffect
from application.evaluation.evaluate_due import EvaluateDue
from application.evaluation.evaluate_user import EvaluateUser
from application.evaluation.explain_user import ExplainUser
from application.facts.open_history import OpenHistoryHandler
from application.facts.record_facts import RecordFactsHandler
from application.facts.register_fact_kind import RegisterFactKindHandler
from application.facts.seal_history import SealHistoryHandler
from application.identity.desk import IdentityDesk
from application.overrides.decide_override import ApproveOverride, RejectOverride
from application.overrides.freeze_standing import FreezeStanding
from application.overrides.pin_tier import PinTier
from application.overrides.unfreeze_standing import UnfreezeStanding
from application.overrides.unpin_tier import UnpinTier
from application.previews.preview_tier_model import PreviewTierModel
from application.runs.perform_runs import PerformRuns
from application.segments.desk import SegmentDesk
from application.shadow.start_shadow import StartShadow
from application.shadow.stop_shadow import StopShadow
from application.standings.import_standings import ImportStandings
from application.strategies.commands import StrategyCommands
from application.tags.add_tag import AddTag
from application.tags.desk import TagDesk
from application.tags.remove_tag import RemoveTag
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.approve_tier_model import ApproveTierModel
from application.tier_models.carry_out_activations import CarryOutActivations
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.fit_tier_model import FitTierModel
from application.tier_models.reject_tier_model import RejectTierModel
from application.tier_models.retire_tier_model import RetireTierModel
from application.tier_models.schedule_tier_model import ScheduleTierModel
from application.tier_models.submit_tier_model import SubmitTierModel
from application.tier_models.unschedule_tier_model import UnscheduleTierModel


class Commands(Protocol):
    """What a wired system can be told to do. Who may is in application.access."""

    record_facts: RecordFactsHandler
    register_fact_kind: RegisterFactKindHandler
    open_history: OpenHistoryHandler
    seal_history: SealHistoryHandler

    evaluate_due: EvaluateDue
    evaluate_user: EvaluateUser
    explain_user: ExplainUser

    add_tag: AddTag
    remove_tag: RemoveTag
    tags: TagDesk
    segments: SegmentDesk
    identities: IdentityDesk

    grants: Grants
    bulk_grants: BulkGrants
    strategies: StrategyCommands

    pin_tier: PinTier
    unpin_tier: UnpinTier
    freeze_standing: FreezeStanding
    unfreeze_standing: UnfreezeStanding
    approve_override: ApproveOverride
    reject_override: RejectOverride
    import_standings: ImportStandings

    create_tier_model: CreateTierModel
    fit_tier_model: FitTierModel
    submit_tier_model: SubmitTierModel
    approve_tier_model: ApproveTierModel
    reject_tier_model: RejectTierModel
    schedule_tier_model: ScheduleTierModel
    unschedule_tier_model: UnscheduleTierModel
    activate_tier_model: ActivateTierModel
    carry_out_activations: CarryOutActivations
    retire_tier_model: RetireTierModel

    benefits: BenefitCatalogue

    preview_tier_model: PreviewTierModel
    measure_model_effect: MeasureModelEffect
    verifications: Verifications
    perform_runs: PerformRuns

    start_shadow: StartShadow
    stop_shadow: StopShadow
