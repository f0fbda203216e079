"""The versions that were in force, as their events recorded them, and what in the tables is not as recorded."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from psycopg import Connection
from pydantic import ValidationError

from domain.tier_model.aggregate import TierModel
from domain.tier_model.compiled import CompiledModel, compiled_model
from domain.tier_model.migration import migration_from_json
from domain.tier_model.spec import TierModelSpec, content_hash
from domain.user_tier.verify import Finding
from infrastructure.tier_models.in_force import Activation, ModelsInForce

_ACTIVATIONS = """
select generation, scheme, version, activated_at, position, migration from activations order by generation
"""
_SCHEDULED = """
select change, scheme, version, at, 0, migration from scheduled_activations where version is not null
order by at, scheme
"""
_STORED = """
select m.scheme, m.version, m.content_hash, m.spec::text from tier_models m
where (m.scheme, m.version) in (
    select scheme, version from activations
    union select scheme, version from scheduled_activations where version is not null)
order by m.scheme, m.version
"""
_EVENTS = """
select topic, scheme, effective_at, state from events where originator_id = any(%s)
order by originator_id, originator_version
"""
_SPECIFIED = ("tier-model.drafted.v1", "tier-model.revised.v1", "tier-model.cuts-fitted.v1")
_ACTIVATED = "tier-model.activated.v1"
_decode = msgspec.msgpack.Decoder().decode

Version = tuple[str, int]
Activated = tuple[str, int, int, str]  # scheme, version, instant, migration as canonical JSON


@dataclass(frozen=True, slots=True)
class VersionsProved:
    """in_force: made of what the events say; where these are broken, of what the table says."""

    in_force: ModelsInForce
    findings: Sequence[Finding]


def prove_versions(connection: Connection) -> VersionsProved:
    """Reads models, activations and the events of both in the connection's snapshot."""
    stored = {row[:2]: row[2:] for row in connection.execute(_STORED)}
    activations = connection.execute(_ACTIVATIONS).fetchall()
    specs, activated = _recorded(connection, sorted({scheme for scheme, _ in stored}))
    findings: list[Finding] = []
    models: dict[Version, CompiledModel] = {}
    for version, (column, text) in stored.items():
        models[version] = _proved(version, column, text, specs.get(version), findings)
    there = Counter(map(_key, activations))
    changed = _migrations_changed(there, activated)
    findings += _of_activations(there, activated, changed)
    scheduled = connection.execute(_SCHEDULED).fetchall()
    as_recorded = [(*row[:-1], json.loads(changed.get(_key(row), _frozen(row[-1])))) for row in activations]
    in_force = ModelsInForce(_activations(as_recorded, models), _activations(scheduled, models))
    return VersionsProved(in_force, findings)


def _recorded(
    connection: Connection, schemes: Sequence[str]
) -> tuple[dict[Version, tuple[str, str]], Counter[Activated]]:
    """By version its last (spec, content hash), and every activation as (scheme, version, instant, migration)."""
    specs: dict[Version, tuple[str, str]] = {}
    activated: Counter[Activated] = Counter()
    ids = [TierModel.create_id(scheme) for scheme in schemes]
    for topic, scheme, effective_at, state in connection.execute(_EVENTS, (ids,), binary=True):
        if topic not in (*_SPECIFIED, _ACTIVATED):
            continue
        data = _decode(state)
        version = (scheme, data["model_version"])
        if topic == _ACTIVATED:
            activated[(*version, effective_at, _frozen(data.get("migration")))] += 1
        else:
            specs[version] = (json.dumps(data["spec"]), data["content_hash"])
    return specs, activated


def _proved(
    version: Version, column: str, text: str, recorded: tuple[str, str] | None, findings: list[Finding]
) -> CompiledModel:
    """The version as it was recorded. Anything that says otherwise is one finding."""
    spec, said = recorded or ("", "")
    hashes = {"spec": _hash(text), "content_hash": column, "recorded_spec": _hash(spec), "recorded_hash": said}
    if len(set(hashes.values())) > 1:
        place = {"scheme": version[0], "version": version[1]}
        findings.append(Finding("broken-model", "", None, place | hashes, place | {"content_hash": said or column}))
    good = spec if hashes["recorded_spec"] and hashes["recorded_spec"] in (said, column) else text
    return compiled_model(good if _hash(good) else spec, version[1])


def _hash(spec: str) -> str:
    """Of a spec as stored; empty when it is none."""
    try:
        return content_hash(TierModelSpec.model_validate_json(spec))
    except ValidationError:
        return ""


def _migrations_changed(there: Counter[Activated], activated: Counter[Activated]) -> dict[Activated, str]:
    """By activation as it stands in the table the migration that was recorded, where that alone is another."""
    recorded: dict[tuple[str, int, int], list[str]] = {}
    for scheme, version, at, migration in activated - there:
        recorded.setdefault((scheme, version, at), []).append(migration)
    return {key: recorded[key[:3]][0] for key in there - activated if len(recorded.get(key[:3], ())) == 1}


def _of_activations(
    there: Counter[Activated], activated: Counter[Activated], changed: Mapping[Activated, str]
) -> Iterator[Finding]:
    for key, migration in changed.items():
        yield Finding("broken-model", "", None, _told(key), _told((*key[:3], migration)))
    for key in there - activated:
        if key not in changed:
            yield Finding("broken-model", "", None, _told(key), None)
    told = {(*key[:3], migration) for key, migration in changed.items()}
    for key in activated - there:
        if key not in told:
            yield Finding("broken-model", "", None, None, _told(key))


def _key(row: tuple[Any, ...]) -> Activated:
    _, scheme, version, at, _, migration = row
    return scheme, version, at, _frozen(migration)


def _told(key: Activated) -> dict[str, Any]:
    return {"scheme": key[0], "version": key[1], "activated_at": key[2], "migration": json.loads(key[3])}


def _frozen(migration: Any) -> str:
    return json.dumps(migration_from_json(migration).to_json(), sort_keys=True)


def _activations(rows: Sequence[tuple[Any, ...]], models: dict[Version, CompiledModel]) -> tuple[Activation, ...]:
    return tuple(
        Activation(number, models[scheme, version], at, position, migration_from_json(migration))
        for number, scheme, version, at, position, migration in rows
    )
