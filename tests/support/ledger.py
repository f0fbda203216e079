"""The deciding half of the product on a database of its own: facts in, events out, no read models."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from application.compliance.verify_receipts import VerifyReceipts
from application.evaluation.evaluate_due import EvaluateDue
from application.evaluation.evaluate_user import EvaluateUser
from application.facts.record_facts import FactsRecorded, RecordFacts, RecordFactsHandler
from application.tags.add_tag import AddTag
from application.tags.remove_tag import RemoveTag
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from application.tier_models.fit_tier_model import FitTierModel
from domain.facts.instants import format_instant
from domain.tags.aggregate import TagDefinition
from domain.user_tier.observation import Observation, decode_observation
from infrastructure.clock import Clock
from infrastructure.compliance.records import PostgresRecords
from infrastructure.definitions.store import PostgresDefinitions
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.facts.fact_kinds import PostgresFactKinds
from infrastructure.facts.fact_log import PostgresFactLog
from infrastructure.facts.history_sessions import PostgresHistorySessions
from infrastructure.learning import LEARNERS
from infrastructure.postgres.pool import open_pool
from infrastructure.security.keyring import Keyring
from infrastructure.security.seal import CONTEXT_EVENT, CONTEXT_OBSERVATION
from infrastructure.tier_models.store import PostgresTierModels

MASTER_KEY = bytes(range(32))


class LedgerSystem:
    """Use it in a with statement."""

    def __init__(self, dsn: str, *, manual_clock: bool = False) -> None:
        self.dsn = dsn
        self.pool = open_pool(dsn, max_size=4)
        self.keyring = Keyring(MASTER_KEY)
        self.clock = Clock(self.pool)
        if manual_clock:
            self.clock.make_manual()
        ledger = Ledger(self.pool, self.keyring)
        self.models = PostgresTierModels(self.pool, self.keyring, ledger)
        self.tag_definitions = PostgresDefinitions(self.pool, ledger, TagDefinition)
        self.fit = FitTierModel(self.models, LEARNERS)
        self.sessions = PostgresHistorySessions(self.pool)
        self.record = RecordFactsHandler(PostgresFactLog(self.pool, self.keyring), PostgresFactKinds(self.pool))
        evaluation = PostgresEvaluationLedger(self.pool, self.keyring)
        self.evaluation = evaluation
        self.evaluate_due, self.evaluate_user = EvaluateDue(evaluation), EvaluateUser(evaluation)
        self.add_tag, self.remove_tag = (
            AddTag(evaluation, self.tag_definitions),
            RemoveTag(evaluation, self.tag_definitions),
        )

    def __enter__(self) -> "LedgerSystem":
        return self

    def __exit__(self, *_: object) -> None:
        self.pool.close()

    def facts(self, facts: Sequence[dict[str, Any]], history_id: UUID | None = None) -> FactsRecorded:
        """One request."""
        return self.record(RecordFacts([json.dumps(fact).encode() for fact in facts], history_id))

    def activate(self, model: dict[str, Any] | str, at: int | None = None) -> int:
        """Create, fit and activate a model; the activation's position."""
        text = model if isinstance(model, str) else json.dumps(model)
        view, _ = CreateTierModel(self.models)(text, "test")
        self.fit(view.scheme, view.version, at, "test", only_needed=True)
        return ActivateTierModel(self.models)(view.scheme, view.version, "test")[1]

    def spec(self, scheme: str) -> dict[str, Any]:
        """The latest version of a scheme, as plain data."""
        return self.models.versions(scheme)[-1].spec

    def settle(self) -> int:
        """Decide until nothing is due; how many subjects were decided."""
        decided = 0
        while found := self.evaluate_due():
            decided += found
        return decided

    def observed(self, user_id: str) -> Observation:
        """The user's observation as it is stored. Raises TypeError when there is none."""
        query = "select u.subject_id, o.body from observations o join user_ids u using (subject_id) where user_id = %s"
        with self.pool.connection() as connection:
            subject_id, body = connection.execute(query, (user_id,)).fetchone() or (None, None)
            seal = self.keyring.seals(connection, [subject_id])[subject_id]
        return decode_observation(seal.unseal(CONTEXT_OBSERVATION, body))

    def assert_proven(self) -> None:
        """Every receipt is what the fact log leads to."""
        found = VerifyReceipts(PostgresRecords(self.pool, self.keyring))()
        assert found.clean and found.checked, found

    def events(self) -> dict[str, list[dict[str, Any]]]:
        """Every user's events in order, unsealed; effective_at in microseconds."""
        query = """
            select u.user_id, e.originator_id, e.topic, e.scheme, e.from_tier, e.to_tier, e.effective_at, e.state
            from events e join user_ids u on u.subject_id = e.originator_id order by u.user_id, e.originator_version
        """
        events: dict[str, list[dict[str, Any]]] = {}
        with self.pool.connection() as connection:
            rows = connection.execute(query).fetchall()
            seals = self.keyring.seals(connection, {row[1] for row in rows})
        for user_id, subject_id, topic, scheme, from_tier, to_tier, effective_at, state in rows:
            data = msgspec.msgpack.decode(seals[subject_id].unseal(CONTEXT_EVENT, state))
            found = {"topic": topic, "scheme": scheme, "from": from_tier, "to": to_tier, "at": effective_at, **data}
            events.setdefault(user_id, []).append(found)
        return events


def order(fact_id: str, user_id: str, at: int, amount: int = 100, **attributes: Any) -> dict[str, Any]:
    """An order as sent; at in microseconds."""
    return {
        "fact_id": fact_id,
        "user_id": user_id,
        "kind": "order",
        "occurred_at": format_instant(at),
        "amount": amount,
        "currency": "USD",
        "attributes": attributes,
    }
