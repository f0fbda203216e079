"""The library's application over the ledger: loads aggregates from their streams and saves what they decide."""

from typing import Any, TypeVar
from uuid import UUID

from eventsourcing.application import AggregateNotFoundError, Application
from eventsourcing.domain import BaseAggregate
from eventsourcing.persistence import ApplicationRecorder, InfrastructureFactory, Mapper, TrackingRecorder
from eventsourcing.utils import Environment, EnvType
from psycopg import Connection

from domain.benefits.aggregate import Benefit, benefit_id_of
from domain.budgets.aggregate import Budget, budget_id_of
from domain.bulk_grants.aggregate import BulkGrant
from domain.campaigns.aggregate import Campaign, campaign_id_of
from domain.definitions.aggregate import Definition
from domain.grant_stops.aggregate import GrantStop, stop_id_of
from domain.strategies.aggregate import Strategy, strategy_id_of
from domain.tier_model.aggregate import TierModel, model_id_of
from domain.user_tier.aggregate import UserTier
from infrastructure.event_store.mapper import LedgerMapper
from infrastructure.event_store.recorder import LedgerRecorder
from infrastructure.event_store.small_appends import EventStore
from infrastructure.postgres.pool import Pool, transaction
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import Seal

NAME = "tierline"

A = TypeVar("A", bound=BaseAggregate[UUID])
D = TypeVar("D", bound=Definition)


class Ledger(Application[UUID]):
    """Aggregates of the ledger.

    After a version conflict load the aggregate again and decide anew; never save the same object twice, for saving
    takes its pending events out of it.
    """

    name = NAME

    def __init__(self, pool: Pool, keyring: Keyring, store: EventStore | None = None) -> None:
        self._pool = pool
        self._keyring = keyring
        self._store = store or EventStore(pool)
        super().__init__()

    def user_tier(self, subject_id: UUID) -> UserTier | None:
        """A subject's story; None when nothing is recorded. Raises SubjectErased."""
        return self._find(subject_id, UserTier)

    def tier_model(self, scheme: str) -> TierModel | None:
        """A scheme's model; None when none was ever drafted."""
        return self._find(model_id_of(scheme), TierModel)

    def benefit(self, benefit: str) -> Benefit | None:
        """A benefit's versions; None when none was ever drafted."""
        return self._find(benefit_id_of(benefit), Benefit)

    def budget(self, budget: str) -> Budget | None:
        """A budget; None when nothing was ever recorded of it."""
        return self._find(budget_id_of(budget), Budget)

    def bulk_grant(self, run_id: UUID) -> BulkGrant | None:
        """A bulk grant; None when none has this id."""
        return self._find(run_id, BulkGrant)

    def grant_stop(self, scope: str) -> GrantStop | None:
        """A scope; None when it was never stopped."""
        return self._find(stop_id_of(scope), GrantStop)

    def definition(self, kind: type[D], name: str) -> D | None:
        """What is defined by this name; None when nothing ever was."""
        return self._find(kind.id_of(name), kind)

    def campaign(self, name: str) -> Campaign | None:
        """A campaign's story; None when it was never defined."""
        return self._find(campaign_id_of(name), Campaign)

    def strategy(self, name: str) -> Strategy | None:
        """A strategy's story; None when it was never defined."""
        return self._find(strategy_id_of(name), Strategy)

    def save_joined(self, connection: Connection, *aggregates: Any) -> int:
        """Append what the aggregates decided as the last statement of the caller's transaction, and commit it.

        Answers the last position; 0 when nothing was decided, and then the transaction is left open.
        Raises the library's IntegrityError on a version conflict.
        """
        recordings = self.save(*aggregates, connection=connection)
        return recordings[-1].notification.id if recordings else 0

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        """An empty one: the library is configured here, not by whatever the process's environment holds."""
        return Environment(name, env or {})

    def construct_factory(self, env: Environment) -> InfrastructureFactory[TrackingRecorder]:
        """The factory that knows the ledger."""
        return _LedgerFactory(env, LedgerRecorder(self._pool, self._store))

    def construct_mapper(self) -> Mapper[UUID]:
        """The mapper that seals with each subject's own key."""
        return LedgerMapper(self._keyring, self._seal_of)

    def _find(self, aggregate_id: UUID, expected: type[A]) -> A | None:
        try:
            found: Any = self.repository.get(aggregate_id)
        except AggregateNotFoundError:
            return None
        if not isinstance(found, expected):
            raise TypeError(f"stream {aggregate_id} is a {type(found).__name__}, not a {expected.__name__}")
        return found

    def _seal_of(self, subject_id: UUID) -> Seal | None:
        with transaction(self._pool) as connection:
            return self._keyring.seals(connection, [subject_id]).get(subject_id)


class _LedgerFactory(InfrastructureFactory[TrackingRecorder]):
    """Hands out the one recorder; there are no snapshots and no tracking, so nothing else can be asked for."""

    def __init__(self, env: Environment, recorder: LedgerRecorder) -> None:
        super().__init__(env)
        self._recorder = recorder

    def application_recorder(self) -> ApplicationRecorder:
        return self._recorder

    def aggregate_recorder(self, purpose: str = "events") -> Any:
        raise NotImplementedError(f"purpose {purpose!r}: the ledger keeps no snapshots")

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:
        raise NotImplementedError("tracking_recorder: read models keep checkpoints of their own")

    def process_recorder(self) -> Any:
        raise NotImplementedError("process_recorder: read models keep checkpoints of their own")
