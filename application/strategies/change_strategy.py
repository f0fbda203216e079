"""A strategy's way: submitted, approved by somebody else, started, paused, ended, put away."""

from collections.abc import Callable

from application.strategies.define_strategy import others_of
from application.strategies.ports import Strategies, StrategyChange, StrategyView, by
from domain.strategies.aggregate import Strategy
from domain.strategies.lint import require_no_circle
from domain.strategies.refusals import UnknownStrategy
from domain.strategies.spec import StrategySpec
from domain.tier_model.reviewing import require_words


class ChangeStrategy:
    """Each of its methods is idempotent: what is so already stays so. All raise UnknownStrategy."""

    def __init__(self, strategies: Strategies, approvals: str, global_holdout: float) -> None:
        """approvals: as the setting says; under admin-may-skip an admin starts what nobody has approved.

        global_holdout: percent of all users whom no strategy treats."""
        self._strategies, self._may_skip = strategies, approvals == "admin-may-skip"
        self._global_holdout = global_holdout

    def submit(self, name: str, actor: str, *, note: str = "", command_id: str = "") -> StrategyView:
        """Lay it before somebody else. Raises StrategyOver, StrategyStanding, WordsInvalid."""
        require_words("note", note)
        return self._change(name, lambda it, change: it.submit(note=note, by=by(change, actor, command_id)))

    def approve(
        self, name: str, actor: str, *, content_hash: str | None, note: str = "", command_id: str = ""
    ) -> StrategyView:
        """content_hash: of what was looked at; None: whatever it is now.

        Raises StaleStrategy, OwnStrategy, StrategyNotSubmitted, WordsInvalid.
        """
        require_words("note", note)

        def approved(strategy: Strategy, change: StrategyChange) -> None:
            seen = content_hash or strategy.content_hash
            strategy.approve(seen=seen, note=note, by=by(change, actor, command_id))

        return self._change(name, approved)

    def reject(self, name: str, actor: str, *, reason: str, command_id: str = "") -> StrategyView:
        """Raises StrategyNotSubmitted, WordsInvalid."""
        require_words("reason", reason, needed=True)
        return self._change(name, lambda it, change: it.reject(reason=reason, by=by(change, actor, command_id)))

    def start(
        self, name: str, actor: str, *, as_admin: bool = False, campaign: str = "", command_id: str = ""
    ) -> StrategyView:
        """From now on only: what happened before is not reacted to.

        Raises StrategyOver, StrategyNotApproved, StrategiesInCircle.
        """

        def started(strategy: Strategy, change: StrategyChange) -> None:
            require_no_circle(StrategySpec.model_validate(strategy.spec), others_of(self._strategies, name))
            strategy.start(
                by=by(change, actor, command_id),
                global_holdout=self._global_holdout,
                may_skip=as_admin and self._may_skip,
                campaign=campaign,
            )

        return self._change(name, started)

    def pause(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> StrategyView:
        """Raises StrategyOver, StrategyStanding, WordsInvalid."""
        require_words("reason", reason)
        return self._change(name, lambda it, change: it.pause(reason=reason, by=by(change, actor, command_id)))

    def end(self, name: str, actor: str, *, reason: str = "", command_id: str = "") -> StrategyView:
        """For good; a worker ends its assignments. Raises StrategyStanding, WordsInvalid."""
        require_words("reason", reason)
        return self._change(name, lambda it, change: it.end(reason=reason, by=by(change, actor, command_id)))

    def retire(self, name: str, actor: str, *, command_id: str = "") -> StrategyView:
        """Raises StrategyStanding."""
        return self._change(name, lambda it, change: it.retire(by=by(change, actor, command_id)))

    def _change(self, name: str, act: Callable[[Strategy, StrategyChange], None]) -> StrategyView:
        with self._strategies.change(name) as change:
            strategy = change.strategy
            if strategy is None:
                raise UnknownStrategy(name, [view.strategy for view in self._strategies.views()])
            act(strategy, change)
            change.save(strategy)
        return self._strategies.view(name)
