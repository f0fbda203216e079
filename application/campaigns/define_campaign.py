"""Take a campaign file in, first or anew; or copy one that there is."""

from collections.abc import Sequence
from typing import Any

import msgspec

from application.campaigns.ports import Campaigns, CampaignView
from application.strategies.define_strategy import DefineStrategy, LintStrategy
from application.strategies.ports import Strategies
from domain.campaigns.aggregate import Campaign
from domain.campaigns.spec import CampaignInvalid, CampaignSpec, as_plain, read_campaign
from domain.strategies.spec import StrategyInvalid, StrategySpec
from domain.strategies.spec import as_plain as strategy_as_plain
from domain.tier_model.spec.faults import Fault
from domain.tier_model.spec.source import Source
from domain.tier_model.version import By

_LONGEST_NAME = 63


class DefineCampaign:
    """A name that is new is defined; of one that is there the content is revised, until it is scheduled."""

    def __init__(self, campaigns: Campaigns, strategies: Strategies, define_strategy: DefineStrategy) -> None:
        self._campaigns, self._strategies, self._define_strategy = campaigns, strategies, define_strategy

    def __call__(self, text: str | bytes, actor: str, *, command_id: str = "") -> CampaignView:
        """Raises CampaignInvalid, StrategyOver, StrategyStanding."""
        spec, source = read_campaign(text)
        faults = self._faults(spec, source)
        if faults:
            raise CampaignInvalid(faults)
        with self._campaigns.change(spec.campaign) as change:
            campaign, who = change.campaign, By(change.now, actor, command_id)
            if campaign is None:
                campaign = Campaign.define(spec, who)
            else:
                campaign.revise(spec, who)
            change.save(campaign)
        return self._campaigns.view(spec.campaign)

    def lint(self, text: str | bytes) -> list[Fault]:
        """Every fault; stores nothing."""
        try:
            spec, source = read_campaign(text)
        except CampaignInvalid as problem:
            return problem.errors
        return self._faults(spec, source)

    def clone(
        self, name: str, to: str, starts_at: str, ends_at: str, actor: str, *, command_id: str = ""
    ) -> CampaignView:
        """A draft of another name and days, with copies of its strategies: what has ended does not run again.

        Raises UnknownCampaign, CampaignInvalid, StrategyInvalid and what the call raises.
        """
        before = CampaignSpec.model_validate(self._campaigns.view(name).spec)
        copies = {strategy: _copied(to, strategy) for strategy in before.strategies}
        plain: dict[str, Any] = as_plain(before) | {
            "campaign": to,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "strategies": list(copies.values()),
        }
        plain.pop("rests", None)  # they lay in the days of the other
        text = msgspec.json.encode(plain)
        texts = [self._copy(strategy, copy) for strategy, copy in copies.items()]
        self._require_possible(text, texts, actor)
        for copied in texts:
            self._define_strategy(copied, actor, command_id=command_id)
        return self(text, actor, command_id=command_id)

    def _copy(self, strategy: str, copy: str) -> bytes:
        spec = StrategySpec.model_validate(self._strategies.view(strategy).spec)
        return msgspec.json.encode(strategy_as_plain(spec) | {"strategy": copy})

    def _require_possible(self, text: bytes, copies: Sequence[bytes], actor: str) -> None:
        """Before anything is made: no copies are left behind of a clone whose dates, name or strategies cannot be."""
        spec, source = read_campaign(text)
        faults = self._faults(spec, source, to_come=spec.strategies)
        if faults:
            raise CampaignInvalid(faults)
        for copied in copies:
            faults = LintStrategy(self._strategies)(copied)
            if faults:
                raise StrategyInvalid(faults)
        with self._campaigns.change(spec.campaign) as change:
            if change.campaign is not None:
                change.campaign.revise(spec, By(change.now, actor, ""))  # asked, not saved

    def _faults(self, spec: CampaignSpec, source: Source, to_come: Sequence[str] = ()) -> list[Fault]:
        """to_come: strategies that are still to be made, where they are not there."""
        views = {view.strategy: view for view in self._strategies.views()}
        taken = {
            strategy: view.campaign
            for view in self._campaigns.views()
            if view.campaign != spec.campaign and view.status not in ("ended", "retired")
            for strategy in CampaignSpec.model_validate(view.spec).strategies
        }
        faults = []
        for number, name in enumerate(spec.strategies):
            line, column = source.place(("strategies", number))
            told = f"strategies.{number}", line, column, name
            if name not in views and name in to_come:
                continue
            if name not in views:
                known = ", ".join(sorted(views)[:30]) or "none yet"
                faults.append(Fault(*told, "is no strategy", f"Use one of {known}"))
            elif views[name].status in ("running", "ended", "retired"):
                faults.append(Fault(*told, f"is {views[name].status}", "Define another one for the campaign"))
            elif name in taken:
                faults.append(Fault(*told, f"belongs to campaign {taken[name]}", "Define another one for this"))
        if spec.budget is not None and spec.budget not in self._campaigns.budgets():
            line, column = source.place(("budget",))
            faults.append(Fault("budget", line, column, spec.budget, "is no budget", "Define it first"))
        return faults


def _copied(campaign: str, strategy: str) -> str:
    return f"{campaign}-{strategy}"[:_LONGEST_NAME].rstrip("-")
