"""A campaign's way: submitted, approved by another, scheduled, started, rested and ended by its timers or by hand."""

from collections.abc import Callable

from application.campaigns.ports import CampaignChange, Campaigns, CampaignView, UnknownCampaign
from application.strategies.change_strategy import ChangeStrategy
from application.strategies.ports import Strategies, StrategyView
from domain.campaigns.aggregate import Campaign
from domain.refusal import Refusal
from domain.strategies.refusals import StrategyNotApproved
from domain.strategies.spec import StrategySpec
from domain.tier_model.reviewing import require_words
from domain.tier_model.version import By

TIMER = "timer"


class ChangeCampaign:
    """Each of its methods is idempotent: what is so already stays so. All raise UnknownCampaign."""

    def __init__(
        self, campaigns: Campaigns, strategies: Strategies, change_strategy: ChangeStrategy, approvals: str
    ) -> None:
        """approvals: as the setting says; under admin-may-skip an admin schedules what nobody has approved."""
        self._campaigns, self._strategies, self._change_strategy = campaigns, strategies, change_strategy
        self._may_skip = approvals == "admin-may-skip"

    def submit(self, name: str, actor: str, *, note: str = "", command_id: str = "") -> CampaignView:
        """Lay it before somebody else. Raises StrategyOver, StrategyStanding, WordsInvalid."""
        require_words("note", note)
        return self._change(name, actor, command_id, lambda it, by: it.submit(note=note, by=by))

    def approve(
        self, name: str, actor: str, *, content_hash: str | None, note: str = "", command_id: str = ""
    ) -> CampaignView:
        """Agree to it. Raises StaleStrategy, OwnStrategy, StrategyNotSubmitted, WordsInvalid."""
        require_words("note", note)
        return self._change(
            name,
            actor,
            command_id,
            lambda it, by: it.approve(seen=content_hash or it.content_hash, note=note, by=by),
        )

    def reject(self, name: str, actor: str, *, reason: str, command_id: str = "") -> CampaignView:
        """Raises StrategyNotSubmitted, WordsInvalid."""
        require_words("reason", reason, needed=True)
        return self._change(name, actor, command_id, lambda it, by: it.reject(reason=reason, by=by))

    def start(self, name: str, actor: str, *, as_admin: bool = False, command_id: str = "") -> CampaignView:
        """Let it start at its instant, or at once where that has come; one that was paused goes on.

        Raises StrategyOver, StrategyStanding, StrategyNotApproved, WindowInPast.
        """
        may_skip = as_admin and self._may_skip

        def scheduled(campaign: Campaign, by: By) -> None:
            if campaign.status == "paused":
                if campaign.resume(by=by):
                    self._start(campaign, by)
                return
            views = [self._strategies.view(strategy) for strategy in campaign.read.strategies]
            touching = any(StrategySpec.model_validate(view.spec).needs_approval for view in views)
            if not may_skip:
                _require_agreed(views)
            campaign.schedule(
                strategies={view.strategy: view.content_hash for view in views},
                needs_approval=touching or campaign.read.budget is not None,
                may_skip=may_skip,
                by=by,
            )
            self._turn(campaign, by)

        return self._change(name, actor, command_id, scheduled)

    def pause(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> CampaignView:
        """It and its strategies rest until it is started again. Raises StrategyOver, StrategyStanding, WordsInvalid."""
        require_words("reason", reason)

        def paused(campaign: Campaign, by: By) -> None:
            campaign.pause(reason=reason, by=by)
            self._pause(campaign, by)

        return self._change(name, actor, command_id, paused)

    def end(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> CampaignView:
        """For good, with its strategies. Raises StrategyStanding, WordsInvalid."""
        require_words("reason", reason)

        def ended(campaign: Campaign, by: By) -> None:
            campaign.end(reason=reason, by=by)
            self._end(campaign, by)

        return self._change(name, actor, command_id, ended)

    def retire(self, name: str, actor: str, *, command_id: str = "") -> CampaignView:
        """Raises StrategyStanding."""
        return self._change(name, actor, command_id, lambda it, by: it.retire(by=by))

    def carry_out(self) -> int:
        """What time asks of campaigns: a worker's use case. How many were looked at."""
        turning = self._campaigns.turning()
        for name in turning:
            self._change(name, TIMER, "", self._turn)
        return len(turning)

    def _turn(self, campaign: Campaign, by: By) -> None:
        match campaign.wants(by.at):
            case "start":
                self._start(campaign, by)
            case "rest":
                campaign.pause(reason="", by=by, by_itself=True)
                self._pause(campaign, by)
            case "end":
                campaign.end(reason="", by=by)
                self._end(campaign, by)
            case _:
                pass

    def _start(self, campaign: Campaign, by: By) -> None:
        """Its strategies first: cut off in between, they are found running and the campaign follows."""
        left_out = []
        for strategy, content_hash in sorted(campaign.strategies.items()):
            view = self._strategies.view(strategy)
            if view.content_hash != content_hash or view.status in ("ended", "retired"):
                left_out.append(strategy)
                continue
            self._change_strategy.start(strategy, by.actor, agreed=True, campaign=campaign.name)
        campaign.started(left_out=left_out, by=by)

    def _pause(self, campaign: Campaign, by: By) -> None:
        for strategy in self._with_status(campaign, "running"):
            self._change_strategy.pause(strategy, by.actor, reason=f"campaign {campaign.name}")

    def _end(self, campaign: Campaign, by: By) -> None:
        for strategy in self._with_status(campaign, "running", "paused"):
            self._change_strategy.end(strategy, by.actor, reason=f"campaign {campaign.name}")

    def _with_status(self, campaign: Campaign, *wanted: str) -> list[str]:
        return [name for name in sorted(campaign.strategies) if self._strategies.view(name).status in wanted]

    def _change(self, name: str, actor: str, command_id: str, act: Callable[[Campaign, By], None]) -> CampaignView:
        with self._campaigns.change(name) as change:
            campaign = _required(change, name, self._campaigns)
            act(campaign, By(change.now, actor, command_id))
            change.save(campaign)
        return self._campaigns.view(name)


def _required(change: CampaignChange, name: str, campaigns: Campaigns) -> Campaign:
    if change.campaign is None:
        raise UnknownCampaign(name, [view.campaign for view in campaigns.views()])
    return change.campaign


def _require_agreed(views: list[StrategyView]) -> None:
    """Each strategy that touches money or many has been approved by itself. Raises StrategyNotApproved."""
    for view in views:
        if StrategySpec.model_validate(view.spec).needs_approval and view.status not in ("approved", "paused"):
            refusal: Refusal = StrategyNotApproved(f"Strategy {view.strategy}", view.status)
            raise refusal
