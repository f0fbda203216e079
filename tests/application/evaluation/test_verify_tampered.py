"""Whatever is done to the rows of the ledger behind its back is found, by its name; and a run of it all goes on."""

import json

import msgspec
import psycopg
import pytest

from application.compliance.verifications import VERIFICATION, VerificationJob, Verifications, shown
from application.queries import UnknownScheme, UnknownUser
from application.runs.perform_runs import PerformRuns
from application.runs.ports import Part
from application.tier_models.activate_tier_model import ActivateTierModel
from application.tier_models.create_tier_model import CreateTierModel
from domain.tier_model.migration import Migration
from domain.user_tier.decisions import event_id_of
from infrastructure.compliance import records
from infrastructure.compliance.records import PostgresRecords
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.seal import CONTEXT_FACT
from tests.application.evaluation.test_evaluate import MODEL
from tests.application.evaluation.test_verify_receipts import DAY, START, _tamper, _verify, system
from tests.support.ledger import LedgerSystem, order

__all__ = ["system"]
_FIRST_MOVE = """
(originator_id, originator_version) in (
    select originator_id, 2 from events join user_ids on subject_id = originator_id where user_id = 'live1'
    group by originator_id)
"""


class Died(BaseException):
    """A process that is killed asks nobody."""


@pytest.fixture
def noted(system: LedgerSystem) -> LedgerSystem:
    """With a fact that has attributes."""
    system.facts([order("noted", "live1", START + DAY, note="x")])
    system.settle()
    return system


@pytest.mark.parametrize(
    "statement",
    [
        "update facts set sealed = overlay(sealed placing '\\x00' from 13) where fact_id = 'noted'",
        "update facts set sealed = null where fact_id = 'noted'",
        "update facts set amount = amount + 1 where fact_id = 'noted'",
        "update facts set known_at = known_at + 1 where fact_id = 'noted'",
        "update facts set known_at = -1 where fact_id = 'noted'",
        "update facts set content_hash = '\\x00'::bytea where fact_id = 'noted'",
        "update facts set chain = content_hash where fact_id = 'noted'",
        "update facts set kind = 'visit' where fact_id = 'noted'",
        "update timelines set chain = '\\x00'::bytea where subject_id in "
        "(select subject_id from facts where fact_id = 'noted')",
    ],
)
def test_whatever_is_done_to_a_fact_breaks_its_chain(noted: LedgerSystem, statement: str) -> None:
    _tamper(noted, statement)
    found = _verify(noted)
    assert found.broken_chains == 1
    assert [finding.problem for finding in found.first].count("broken-chain") == 1


@pytest.mark.parametrize(
    "details",
    [
        b'{"attributes":{"note":"y"}}',
        b'{"attributes":{"note":"x"}',
        b'{"attributes":{"note": "x"}}',  # the same by other bytes than were recorded
        b'{"attributes":{"note":"\xff"}}',
        b'{"attributes":{"note":123456789012345678901234567890}}',
        b'{"x":' + b"[" * 100_000,
        b"{}",
        b"",
        msgspec.msgpack.encode({"attributes": {"note": "y"}}),
        msgspec.msgpack.encode({"attributes": {"note": ["x"]}}),
        b"\xc1",
        b"\x91" * 100_000,
    ],
)
def test_a_fact_sealed_anew_with_the_right_key_breaks_its_chain(noted: LedgerSystem, details: bytes) -> None:
    _tamper(noted, "update facts set sealed = %s where fact_id = 'noted'", (_resealed(noted, details),))
    assert _verify(noted).broken_chains == 1


def test_a_fact_recorded_when_details_were_kept_as_msgpack_holds(noted: LedgerSystem) -> None:
    details = msgspec.msgpack.encode({"attributes": {"note": "x"}})
    _tamper(noted, "update facts set sealed = %s where fact_id = 'noted'", (_resealed(noted, details),))
    assert _verify(noted).clean


def _resealed(system: LedgerSystem, details: bytes) -> bytes:
    with system.pool.connection() as connection:
        (subject_id,) = connection.execute("select subject_id from user_ids where user_id = 'live1'").fetchone()
        return system.keyring.seals(connection, [subject_id])[subject_id].seal(CONTEXT_FACT, details)


def test_a_transition_that_does_not_open_is_different(system: LedgerSystem) -> None:
    _tamper(system, f"update events set state = 'x' where {_FIRST_MOVE}")
    found = _verify(system)
    assert (found.missing, found.extra, found.different, found.broken_chains) == (0, 0, 1, 0)
    assert "receipt" not in found.first[0].recorded and "receipt" in found.first[0].expected


@pytest.mark.parametrize("change", ["to_tier = 'high'", "effective_at = effective_at + 1", "scheme = 'y'"])
def test_clear_columns_are_held_against_the_facts_too(system: LedgerSystem, change: str) -> None:
    _tamper(system, f"update events set {change} where {_FIRST_MOVE}")
    assert not _verify(system).clean


def test_a_deleted_command_is_missing_by_its_number(system: LedgerSystem) -> None:
    system.add_tag("live1", "vip", "test")
    with psycopg.connect(system.dsn) as connection:
        query = "select originator_id, originator_version from events where topic = 'user-tier.tag-added.v1'"
        event_id = event_id_of(*connection.execute(query).fetchone())
    _tamper(system, "delete from events where topic = 'user-tier.tag-added.v1'")
    found = _verify(system)
    assert (found.missing, found.extra, found.different) == (1, 0, 0)
    assert found.first[0].event_id == event_id


def test_an_edited_version_is_broken_and_the_receipts_still_hold(system: LedgerSystem) -> None:
    edit = "update tier_models set spec = jsonb_set(spec, '{rules,high,enter}', '\"orders >= 3\"') where version = 2"
    _tamper(system, edit)
    found = _verify(system)
    assert (found.broken_models, found.different, found.missing, found.extra) == (1, 0, 0, 0)
    (finding,) = found.first
    assert (finding.problem, finding.recorded["scheme"], finding.recorded["version"]) == ("broken-model", "value", 2)
    assert finding.recorded["spec"] != finding.expected["content_hash"] == finding.recorded["recorded_hash"]


@pytest.mark.parametrize(
    "statement",
    [
        "update tier_models set spec = '{}' where version = 1",
        "update tier_models set content_hash = 'x' where version = 1",
        "delete from activations where version = 2",
        "update activations set activated_at = activated_at + 1 where version = 2",
        'update activations set migration = \'{"mode": "up-only"}\' where version = 2',
    ],
)
def test_whatever_is_done_to_a_version_in_force_is_a_broken_model(system: LedgerSystem, statement: str) -> None:
    _tamper(system, statement)
    assert _verify(system).broken_models >= 1


def test_a_changed_mapping_is_one_finding_and_the_receipts_still_hold(system: LedgerSystem) -> None:
    tiers = {"tiers": ["low", "mid", "top"], "rules": {"mid": "orders >= 1", "top": "orders >= 3"}}
    view, _ = CreateTierModel(system.models)(json.dumps(MODEL | tiers), "test")
    migration = Migration(mapping={"high": "top"})
    ActivateTierModel(system.models)("value", view.version, "test", migration=migration)
    system.settle()
    assert _verify(system).clean
    _tamper(system, f"update activations set migration = '{{}}' where version = {view.version}")
    found = _verify(system)
    assert (found.broken_models, found.different, found.missing, found.extra) == (1, 0, 0, 0)
    assert found.first[0].expected["migration"] == {"mapping": {"high": "top"}}


class Asked:
    """Verifications of a ledger, as runs."""

    def __init__(self, system: LedgerSystem) -> None:
        self.records, self.runs = (
            PostgresRecords(system.pool, system.keyring),
            PostgresRuns(system.pool, system.keyring),
        )
        self.verifications = Verifications(self.records, self.runs, system.models)
        self.job = VerificationJob(self.records)

    def ask(self, **options: str) -> str:
        return self.verifications.ask("test", **options).run_id

    def found(self, run_id: str) -> dict:
        perform = PerformRuns(self.runs, {VERIFICATION: self.job})
        while perform(run_id):
            pass
        return shown(self.verifications.get(run_id))


def test_one_scheme_alone(system: LedgerSystem) -> None:
    system.activate({**MODEL, "scheme": "other", "rules": {"mid": "orders >= 1", "high": "tier.value = 'high'"}})
    system.clock.set(START + 10 * DAY)
    system.settle()
    asked, counted = Asked(system), {}
    for scheme in ("value", "other", None):
        found = asked.found(asked.ask(scheme=scheme))
        assert found["clean"], found
        counted[scheme] = found["checked"]
    assert 0 < counted["other"] < counted["value"] < counted[None] == counted["value"] + counted["other"]
    with pytest.raises(UnknownScheme):
        asked.ask(scheme="nowhere")
    with pytest.raises(UnknownUser):
        asked.ask(user_id="nobody")


def test_a_run_goes_on_where_it_was_left(system: LedgerSystem, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every process dies after each batch; others go on, and nobody is counted twice or left out."""
    monkeypatch.setattr(records, "_CHUNK", 1)
    whole, asked, died = _verify(system).counts(), Asked(system), 0
    run_id = asked.ask()
    while (part := asked.runs.take([VERIFICATION], run_id)) is not None:
        try:
            asked.job(Dying(part))
        except Died:
            died += 1
            with psycopg.connect(system.dsn) as connection:  # the lease runs out
                connection.execute("update run_parts set lease_until = now() - interval '1 second', holder = null")
        else:
            asked.runs.end(part)
    found = shown(asked.verifications.get(run_id))
    assert died == 4 and found["state"] == "done"
    assert {name: found[name] for name in whole} == whole


class Dying:
    """A part whose process dies once it has kept a subject."""

    def __init__(self, part: Part) -> None:
        self._part = part

    def __getattr__(self, name: str) -> object:
        return getattr(self._part, name)

    def keep(self, done: int, *rest: object) -> None:
        before = self._part.result.get("subjects", 0)
        self._part.keep(done, *rest)
        if self._part.result["subjects"] > before:
            raise Died


def test_findings_are_kept_sealed_with_the_run(system: LedgerSystem) -> None:
    _tamper(system, "delete from facts where fact_id = 'late'")
    asked = Asked(system)
    found = asked.found(asked.ask(user_id="live0"))
    assert (found["state"], found["clean"], found["subjects_done"], found["subjects_all"]) == ("done", False, 1, 1)
    assert (found["broken_chains"], found["first"][0]["problem"]) == (1, "broken-chain")
    assert found["first"][0]["user_id"] == "live0"
    with psycopg.connect(system.dsn) as connection:
        (kept,) = connection.execute("select string_agg(sealed, '') from run_findings").fetchone()
    assert b"broken" not in bytes(kept)
