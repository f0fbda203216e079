"""Versions of a tier model: given events, when a command, then events or a refusal."""

from collections.abc import Callable

import pytest

from domain.refusal import Refusal
from domain.tier_model.aggregate import TierModel, model_id_of
from domain.tier_model.events import Activated, CutsFitted, Drafted, Retired, Revised
from domain.tier_model.refusals import (
    ActivationTooEarly,
    CutsNotFitted,
    VersionPublished,
    VersionRetired,
    VersionUnknown,
)
from domain.tier_model.version import By


def by(at: int) -> By:
    return By(at=at, actor="analyst", command_id=f"c-{at}")


def model(unfitted: list[str] | None = None) -> TierModel:
    drafted = TierModel.first_draft("value", spec={"v": 1}, content_hash="h1", unfitted=unfitted or [], by=by(10))
    drafted.collect_events()
    return drafted


def events_of(model: TierModel) -> list[type]:
    return [type(event) for event in model.collect_events()]


def test_a_first_draft_makes_the_stream_of_its_scheme() -> None:
    model = TierModel.first_draft("value", spec={"v": 1}, content_hash="h1", unfitted=["r"], by=by(10))
    (event,) = model.collect_events()
    assert isinstance(event, Drafted)
    assert (event.originator_id, event.originator_version) == (model_id_of("value"), 1)
    assert (event.scheme, event.effective_at, event.actor, event.command_id) == ("value", 10, "analyst", "c-10")
    assert (model.versions[1].status, model.versions[1].author, model.active) == ("draft", "analyst", None)
    assert model_id_of("value") != model_id_of("behaviour")


def test_further_drafts_are_numbered() -> None:
    value = model()
    assert value.draft(spec={"v": 2}, content_hash="h2", unfitted=[], by=by(11)) == 2
    assert value.draft(spec={"v": 3}, content_hash="h3", unfitted=[], by=by(12)) == 3
    assert events_of(value) == [Drafted, Drafted]
    assert [version.content_hash for version in value.versions.values()] == ["h1", "h2", "h3"]


def test_cuts_are_fitted_and_only_then_it_is_activated() -> None:
    value = model(unfitted=["f", "r"])
    with pytest.raises(CutsNotFitted) as caught:
        value.activate(1, by=by(11))
    assert [complaint.field for complaint in caught.value.complaints] == ["scores.f.cuts", "scores.r.cuts"]
    value.fit_cuts(1, cuts={"r": [1.0]}, fitted_at=5, spec={"v": "1r"}, content_hash="h1r", by=by(12))
    assert value.versions[1].unfitted == ("f",)
    with pytest.raises(CutsNotFitted):
        value.activate(1, by=by(13))
    value.fit_cuts(1, cuts={"f": [2.0]}, fitted_at=5, spec={"v": "1rf"}, content_hash="h1rf", by=by(14))
    assert value.versions[1].status == "fitted"
    value.activate(1, by=by(15))
    assert events_of(value) == [CutsFitted, CutsFitted, Activated]
    assert value.active is value.versions[1]
    assert (value.versions[1].spec, value.versions[1].activated_at) == ({"v": "1rf"}, 15)


def test_a_revision_replaces_a_draft_and_its_cuts() -> None:
    value = model(unfitted=["r"])
    value.fit_cuts(1, cuts={"r": [1.0]}, fitted_at=5, spec={"v": "1r"}, content_hash="h1r", by=by(11))
    value.revise(1, spec={"v": "other"}, content_hash="h1b", unfitted=["r"], by=by(12))
    assert events_of(value) == [CutsFitted, Revised]
    assert (value.versions[1].status, value.versions[1].content_hash) == ("draft", "h1b")


def test_activating_the_next_retires_the_one_in_force() -> None:
    value = model()
    value.draft(spec={"v": 2}, content_hash="h2", unfitted=[], by=by(11))
    value.activate(1, by=by(12))
    value.activate(2, by=by(13))
    assert [version.status for version in value.versions.values()] == ["retired", "active"]


def test_doing_it_twice_records_nothing_more() -> None:
    value = model()
    value.draft(spec={"v": 2}, content_hash="h2", unfitted=[], by=by(11))
    value.activate(1, by=by(12))
    value.activate(1, by=by(13))
    value.retire(2, by=by(14))
    value.retire(2, by=by(15))
    assert events_of(value) == [Drafted, Activated, Retired]
    assert value.active is value.versions[1]


def activated_twice() -> TierModel:
    value = model()
    value.draft(spec={"v": 2}, content_hash="h2", unfitted=[], by=by(11))
    value.activate(1, by=by(20))
    value.collect_events()
    return value


@pytest.mark.parametrize(
    ("command", "refusal", "field"),
    [
        (lambda m: m.activate(7, by=by(30)), VersionUnknown, "version"),
        (lambda m: m.retire(7, by=by(30)), VersionUnknown, "version"),
        (lambda m: m.revise(1, spec={}, content_hash="x", unfitted=[], by=by(30)), VersionPublished, "version"),
        (
            lambda m: m.fit_cuts(1, cuts={}, fitted_at=1, spec={}, content_hash="x", by=by(30)),
            VersionPublished,
            "version",
        ),
        (lambda m: m.activate(2, by=by(20)), ActivationTooEarly, "at"),
        (lambda m: (m.retire(2, by=by(29)), m.collect_events(), m.activate(2, by=by(30))), VersionRetired, "version"),
    ],
)
def test_refusals_record_nothing(command: Callable[[TierModel], None], refusal: type[Refusal], field: str) -> None:
    value = activated_twice()
    with pytest.raises(refusal) as caught:
        command(value)
    (complaint,) = caught.value.complaints
    assert complaint.field == field
    assert complaint.remedy
    assert events_of(value) == []
