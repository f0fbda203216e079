"""The reference against timelines worked out by hand, a rule each."""

from tests.reference.evaluator import Version, decide_timeline
from tests.reference.stories import fact, ladder, numbered, told
from tests.reference.zones import instant


def timeline(model: dict, *facts: dict, until: str, **further) -> list[str]:
    return told(decide_timeline(numbered(list(facts)), [Version(model, 0)], instant(until), **further))


def test_a_window_of_days_ends_at_a_local_midnight():
    assert timeline(ladder(), fact("order", "2026-01-01T10:00:00Z"), until="2026-03-01T00:00:00Z") == [
        "2026-01-01T10:00:00Z tier-changed None>t1 evaluation",
        "2026-01-31T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_only_instants_before_now_are_decided():
    one = fact("order", "2026-01-01T10:00:00Z")
    assert timeline(ladder(), one, until="2026-01-01T10:00:00Z") == []
    assert len(timeline(ladder(), one, until="2026-01-31T00:00:00Z")) == 1
    assert len(timeline(ladder(), one, until="2026-01-31T00:00:00.000001Z")) == 2


def test_through_yesterday_sees_today_tomorrow():
    model = ladder()
    model["features"]["orders"]["through"] = "yesterday"
    assert timeline(model, fact("order", "2026-01-01T10:00:00Z"), until="2026-03-01T00:00:00Z") == [
        "2026-01-01T10:00:00Z tier-changed None>t0 evaluation",
        "2026-01-02T00:00:00Z tier-changed t0>t1 timer",
        "2026-02-01T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_a_month_steps_back_on_the_calendar():
    """On 31 March it starts on 1 March: a fact of 28 February is in it up to 30 March, of 1 March up to 31 March."""
    for day, leaves in (
        ("02-28", "03-31"),
        ("03-01", "04-01"),
        ("02-16", "03-16"),
        ("01-31", "02-28"),
        ("01-29", "02-28"),
    ):
        story = timeline(ladder(within="1 month"), fact("order", f"2026-{day}T10:00:00Z"), until="2026-06-01T00:00:00Z")
        assert story[1:] == [f"2026-{leaves}T00:00:00Z tier-changed t1>t0 timer"], day


def test_this_quarter_restarts():
    assert timeline(
        ladder(within="this quarter"), fact("order", "2026-02-10T10:00:00Z"), until="2027-01-01T00:00:00Z"
    ) == [
        "2026-02-10T10:00:00Z tier-changed None>t1 evaluation",
        "2026-04-01T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_days_of_23_and_25_hours():
    story = timeline(
        ladder(within="1 day", zone="America/New_York"),
        fact("order", "2026-03-08T05:00:00Z"),
        fact("order", "2026-11-01T04:00:00Z"),
        until="2027-01-01T00:00:00Z",
    )
    assert [line.split()[0] for line in story] == [
        "2026-03-08T05:00:00Z",
        "2026-03-09T04:00:00Z",
        "2026-11-01T04:00:00Z",
        "2026-11-02T05:00:00Z",
    ]


def test_a_skipped_date_counts_as_a_day_without_length():
    """An order of 28 December is in `2 days` on the 28th and 29th; in `3 days` on the 30th too, which never was."""
    order = fact("order", "2011-12-28T20:00:00Z")  # 10:00 on the 28th
    for within in ("2 days", "3 days"):
        story = timeline(ladder(within=within, zone="Pacific/Apia"), order, until="2012-02-01T00:00:00Z")
        assert story[1:] == ["2011-12-30T10:00:00Z tier-changed t1>t0 timer"], within


def test_a_review_on_a_day_without_midnight():
    policy = {"downgrade": {"review": {"every": "1 month", "day": 4}}}
    story = timeline(
        ladder(policy, within="1 day", zone="America/Sao_Paulo"),
        fact("order", "2018-10-20T15:00:00Z"),
        until="2018-12-01T00:00:00Z",
    )
    assert story[1:] == ["2018-11-04T03:00:00Z tier-changed t1>t0 timer"]


def test_grace_starts_at_a_review_and_ends_by_itself():
    policy = {"downgrade": {"review": "monthly", "grace": "10 days"}}
    assert timeline(ladder(policy), fact("order", "2026-01-05T10:00:00Z"), until="2026-06-01T00:00:00Z") == [
        "2026-01-05T10:00:00Z tier-changed None>t1 evaluation",
        # The order left the window on 4 February; the review is on 1 March.
        "2026-03-01T00:00:00Z downgrade-deferred t1>t1 timer",
        "2026-03-01T00:00:00Z tier-at-risk t1>t1 timer",
        "2026-03-11T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_grace_ends_at_once_when_the_tier_is_earned_again():
    policy = {"downgrade": {"review": "monthly", "grace": "10 days"}}
    orders = [fact("order", "2026-01-05T10:00:00Z"), fact("order", "2026-03-05T10:00:00Z")]
    assert timeline(ladder(policy), *orders, until="2026-04-05T00:00:00Z")[3:] == [
        "2026-03-05T10:00:00Z tier-requalified t1>t1 evaluation",
    ]
    up = [*orders, fact("order", "2026-03-05T10:00:00Z", fact_id="second")]
    assert (
        timeline(ladder(policy), *up, until="2026-04-05T00:00:00Z")[3]
        == "2026-03-05T10:00:00Z tier-changed t1>t2 evaluation"
    )


def test_steps_wait_for_the_next_review():
    policy = {"downgrade": {"review": "quarterly", "steps": 1}}
    orders = [fact("order", "2026-01-05T10:00:00Z", fact_id=f"o{number}") for number in range(3)]
    assert timeline(ladder(policy, tiers=4), *orders, until="2027-06-01T00:00:00Z") == [
        "2026-01-05T10:00:00Z tier-changed None>t3 evaluation",
        "2026-04-01T00:00:00Z tier-changed t3>t2 timer",
        "2026-07-01T00:00:00Z tier-changed t2>t1 timer",
        "2026-10-01T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_continuous_steps_wait_for_the_next_midnight_and_each_has_its_grace():
    orders = [fact("order", "2026-01-05T10:00:00Z", fact_id=f"o{number}") for number in range(2)]
    plain = timeline(ladder({"downgrade": {"steps": 1}}), *orders, until="2026-06-01T00:00:00Z")
    assert [line.split()[0][:10] for line in plain] == ["2026-01-05", "2026-02-04", "2026-02-05"]
    graceful = timeline(ladder({"downgrade": {"steps": 1, "grace": "3 days"}}), *orders, until="2026-06-01T00:00:00Z")
    assert [line.split()[0][5:10] + " " + line.split()[1] for line in graceful if "at-risk" not in line][1:] == [
        "02-04 downgrade-deferred",
        "02-07 tier-changed",
        "02-08 downgrade-deferred",
        "02-11 tier-changed",
    ]


def test_minimum_stay_holds_the_drop():
    assert timeline(
        ladder({"minimum_stay": "45 days"}), fact("order", "2026-01-01T10:00:00Z"), until="2026-06-01T00:00:00Z"
    ) == [
        "2026-01-01T10:00:00Z tier-changed None>t1 evaluation",
        "2026-02-15T00:00:00Z tier-changed t1>t0 timer",
    ]
    monthly = ladder({"minimum_stay": "45 days", "downgrade": {"review": "monthly"}})
    assert timeline(monthly, fact("order", "2026-01-01T10:00:00Z"), until="2026-06-01T00:00:00Z")[1:] == [
        "2026-03-01T00:00:00Z tier-changed t1>t0 timer"
    ]


def test_validity_is_renewed_or_ends_in_a_review():
    policy = {"validity": "1 month", "downgrade": {"review": "yearly"}}
    assert timeline(
        ladder(policy, within="60 days"), fact("order", "2026-01-31T10:00:00Z"), until="2026-06-01T00:00:00Z"
    ) == [
        "2026-01-31T10:00:00Z tier-changed None>t1 evaluation",
        "2026-02-28T00:00:00Z tier-requalified t1>t1 timer",  # clamped
        "2026-03-28T00:00:00Z tier-requalified t1>t1 timer",
        "2026-04-28T00:00:00Z tier-changed t1>t0 timer",  # the order left on 1 April
        "2026-05-28T00:00:00Z tier-requalified t0>t0 timer",
    ]


def test_validity_inside_minimum_stay_waits():
    policy = {"validity": "10 days", "minimum_stay": "45 days", "downgrade": {"review": "yearly"}}
    story = timeline(ladder(policy), fact("order", "2026-01-31T10:00:00Z"), until="2026-03-20T00:00:00Z")
    assert story[1:] == ["2026-03-17T00:00:00Z tier-changed t1>t0 timer"]


def test_upgrades_can_wait_for_a_review():
    policy = {"upgrade": "at_review", "downgrade": {"review": "monthly"}}
    orders = [fact("order", "2026-01-05T10:00:00Z"), fact("order", "2026-01-20T10:00:00Z")]
    assert timeline(ladder(policy), *orders, until="2026-02-10T00:00:00Z") == [
        "2026-01-05T10:00:00Z tier-changed None>t1 evaluation",
        "2026-02-01T00:00:00Z tier-changed t1>t2 timer",
    ]


def test_anniversaries_of_29_february():
    policy = {"downgrade": {"review": "anniversary"}}
    story = timeline(ladder(policy), fact("order", "2024-02-29T10:00:00Z"), until="2026-01-01T00:00:00Z")
    assert story[1:] == ["2025-02-28T00:00:00Z tier-changed t1>t0 timer"]


def test_keep_holds_those_who_stand_there():
    model = ladder()
    model["rules"]["t2"] = {"enter": "orders >= 2", "keep": "orders >= 1"}
    orders = [fact("order", "2026-01-01T10:00:00Z"), fact("order", "2026-01-11T10:00:00Z")]
    assert timeline(model, *orders, until="2026-06-01T00:00:00Z") == [
        "2026-01-01T10:00:00Z tier-changed None>t1 evaluation",
        "2026-01-11T10:00:00Z tier-changed t1>t2 evaluation",
        "2026-02-10T00:00:00Z tier-changed t2>t0 timer",
    ]


def test_warnings_come_before_reviews_and_once():
    policy = {"warn": "5 days", "downgrade": {"review": "quarterly", "grace": "40 days"}}
    story = timeline(ladder(policy), fact("order", "2026-01-05T10:00:00Z"), until="2026-06-01T00:00:00Z")
    assert story[1:] == [
        "2026-03-27T00:00:00Z tier-at-risk t1>t1 timer",
        "2026-04-01T00:00:00Z downgrade-deferred t1>t1 timer",
        "2026-04-01T00:00:00Z tier-at-risk t1>t1 timer",
        "2026-05-11T00:00:00Z tier-changed t1>t0 timer",
    ]


def test_late_facts_voids_and_facts_ahead_of_time():
    story = timeline(
        ladder(),
        fact("order", "2026-01-10T10:00:00Z"),
        fact("order", "2026-01-09T10:00:00Z", known="2026-01-10T12:00:00Z"),
        fact("void", "2026-01-12T09:00:00Z", fact_id="cancel")
        | {"attributes": {"fact_id": "order-2026-01-10T10:00:00Z"}},
        fact("order", "2026-01-20T10:00:00Z", known="2026-01-15T12:00:00Z"),
        until="2026-01-25T00:00:00Z",
    )
    assert story == [
        "2026-01-10T10:00:00Z tier-changed None>t1 evaluation",
        "2026-01-10T12:00:00Z tier-changed t1>t2 late-fact",
        "2026-01-12T09:00:00Z tier-changed t2>t1 late-fact",
        "2026-01-20T10:00:00Z tier-changed t1>t2 evaluation",
    ]


def test_unordered_classes_change_at_once_after_minimum_stay():
    model = ladder({"minimum_stay": "5 days"}) | {
        "unordered": True,
        "tiers": ["busy", "calm", "other"],
        "default": "other",
    }
    model["rules"] = {"busy": "orders >= 2", "calm": "orders >= 1"}
    orders = [fact("order", "2026-01-01T10:00:00Z"), fact("order", "2026-01-02T10:00:00Z")]
    assert timeline(model, *orders, until="2026-06-01T00:00:00Z") == [
        "2026-01-01T10:00:00Z tier-changed None>calm evaluation",
        "2026-01-06T00:00:00Z tier-changed calm>busy timer",
        "2026-01-31T00:00:00Z tier-changed busy>calm timer",
        "2026-02-05T00:00:00Z tier-changed calm>other timer",
    ]


def test_an_activation_keeps_grace_and_decides_at_its_instant():
    policy = {"downgrade": {"review": "monthly", "grace": "20 days"}}
    kinder = ladder(policy)
    kinder["rules"] = {"t1": "orders >= 0", "t2": "orders >= 2"}
    stricter = ladder(policy, within="1 day")
    versions = [
        Version(ladder(policy), 0),
        Version(stricter, instant("2026-03-05T12:00:00Z")),
        Version(kinder, instant("2026-03-10T12:00:00Z")),
    ]
    story = told(
        decide_timeline(numbered([fact("order", "2026-01-05T10:00:00Z")]), versions, instant("2026-06-01T00:00:00Z"))
    )
    assert story[1:] == [
        "2026-03-01T00:00:00Z downgrade-deferred t1>t1 timer",
        "2026-03-01T00:00:00Z tier-at-risk t1>t1 timer",
        "2026-03-10T12:00:00Z tier-requalified t1>t1 model-change",
    ]


def test_a_validity_that_an_activation_puts_into_the_past_ends_at_the_next_midnight():
    versions = [
        Version(ladder({"downgrade": {"review": "yearly"}}), 0),
        Version(ladder({"downgrade": {"review": "yearly"}, "validity": "10 days"}), instant("2026-03-05T12:00:00Z")),
    ]
    story = told(
        decide_timeline(numbered([fact("order", "2026-01-05T10:00:00Z")]), versions, instant("2026-03-10T00:00:00Z"))
    )
    assert story[1:] == ["2026-03-06T00:00:00Z tier-changed t1>t0 timer"]


def test_history_is_decided_with_the_version_at_sealing():
    versions = [
        Version(ladder(), instant("2026-02-10T00:00:00Z")),
        Version(ladder(within="1 day"), instant("2026-02-25T12:00:00Z")),
    ]
    facts = numbered([fact("order", "2026-01-05T10:00:00Z"), fact("order", "2026-02-20T10:00:00Z")])
    story = told(
        decide_timeline(facts, versions, instant("2026-03-01T00:00:00Z"), sealed_at=instant("2026-02-21T00:00:00Z"))
    )
    assert story == [
        "2026-01-05T10:00:00Z tier-changed None>t1 history",
        "2026-02-04T00:00:00Z tier-changed t1>t0 history",
        "2026-02-20T10:00:00Z tier-changed t0>t1 history",
        "2026-02-25T12:00:00Z tier-changed t1>t0 model-change",
    ]


def test_scores_weigh_bins():
    model = ladder(tiers=2) | {
        "features": {"orders": {"count": "order"}, "spend": {"avg": "order.amount"}, "gap": {"days_since": "order"}},
        "scores": {
            "f": {"of": "orders", "best": "high", "cuts": [1, 2]},
            "m": {"of": "spend", "best": "high", "cuts": [1000]},
            "r": {"of": "gap", "best": "low", "cuts": [1, 3]},
            "all": {"weighted": {"f": 1, "m": 10, "r": 100}},
        },
        "rules": {"t1": "all = 312"},
    }
    # Two orders of 10.00 on average: f is 2 (a value equal to a cut belongs below), m 1, r 3 of 3.
    orders = [fact("order", "2026-01-01T10:00:00Z", amount=500), fact("order", "2026-01-01T11:00:00Z", amount=1500)]
    assert timeline(model, *orders, until="2026-01-10T00:00:00Z") == [
        "2026-01-01T10:00:00Z tier-changed None>t0 evaluation",
        "2026-01-01T11:00:00Z tier-changed t0>t1 evaluation",
        "2026-01-03T00:00:00Z tier-changed t1>t0 timer",  # two days since: r is 2
    ]
