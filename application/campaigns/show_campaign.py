"""A campaign as people see it: what it is, what gets in its way, and how it goes."""

from collections.abc import Callable
from typing import Any

from application.campaigns.ports import Campaigns, CampaignView
from application.strategies.ports import Strategies, StrategyQueries
from application.strategies.show_strategy import shown_progress
from domain.campaigns.conflicts import Conflict, audience_condition, conflicts_of, overlap
from domain.campaigns.spec import CampaignSpec
from domain.facts.instants import format_instant
from domain.strategies.spec import StrategySpec

CountPeople = Callable[[str], int]
"""How many users match a condition, by the search index."""


class ShowCampaign:
    """Reads only."""

    def __init__(
        self, campaigns: Campaigns, strategies: Strategies, queries: StrategyQueries, count_people: CountPeople
    ) -> None:
        self._campaigns, self._strategies = campaigns, strategies
        self._queries, self._count = queries, count_people

    def calendar(self, since: int | None, until: int | None) -> list[dict[str, Any]]:
        """Campaigns whose days touch a stretch, by their beginning."""
        return [shown(view) for view in self._campaigns.views(since, until)]

    def conflicts(self, name: str) -> list[dict[str, Any]]:
        """With those that are not over: the same days and budget, group or people. Raises UnknownCampaign."""
        spec = CampaignSpec.model_validate(self._campaigns.view(name).spec)
        others = [
            CampaignSpec.model_validate(view.spec)
            for view in self._campaigns.views()
            if view.campaign != name and view.status not in ("ended", "retired")
        ]
        specs = {view.strategy: StrategySpec.model_validate(view.spec) for view in self._strategies.views()}
        found = conflicts_of(spec, others, specs)
        for other in others:
            found += self._people(spec, other, specs)
        return [_told(conflict) for conflict in found]

    def progress(self, name: str) -> dict[str, Any]:
        """Each of its strategies, and its budget. Raises UnknownCampaign."""
        view = self._campaigns.view(name)
        spec = CampaignSpec.model_validate(view.spec)
        strategies = [
            shown_progress(self._strategies.view(strategy), self._queries.progress(strategy))
            for strategy in spec.strategies
        ]
        accounts = [] if spec.budget is None else self._campaigns.budget_state(spec.budget)
        return {
            "campaign": name,
            "status": view.status,
            "strategies": strategies,
            "budget": [
                {"account": one.account, "allowed": one.allowed, "reserved": one.reserved, "spent": one.spent}
                for one in accounts
            ],
        }

    def _people(self, spec: CampaignSpec, other: CampaignSpec, specs: dict[str, StrategySpec]) -> list[Conflict]:
        days = overlap(spec, other)
        if days is None:
            return []
        found = []
        for mine in spec.strategies:
            for theirs in other.strategies:
                conditions = [audience_condition(specs[name]) for name in (mine, theirs) if name in specs]
                if len(conditions) < 2 or None in conditions:
                    continue
                both = self._count(" and ".join(f"({condition})" for condition in conditions))
                if both:
                    found.append(Conflict(other.campaign, "people", f"{mine} and {theirs}", *days, both))
        return found


def shown(view: CampaignView) -> dict[str, Any]:
    """Without its spec. Instants as text."""
    spec = CampaignSpec.model_validate(view.spec)
    return {
        "campaign": view.campaign,
        "status": view.status,
        "content_hash": view.content_hash,
        "starts_at": spec.starts_at,
        "ends_at": spec.ends_at,
        "strategies": list(spec.strategies),
        "budget": spec.budget,
        "makers": list(view.makers),
        "approved_by": view.approved_by,
        "started_at": None if view.started_at is None else format_instant(view.started_at),
        "changed_at": format_instant(view.changed_at),
        "changed_by": view.changed_by,
    }


def _told(conflict: Conflict) -> dict[str, Any]:
    return {
        "campaign": conflict.campaign,
        "about": conflict.about,
        "what": conflict.what,
        "from": format_instant(conflict.since),
        "to": format_instant(conflict.until),
        "people": conflict.people,
    }
