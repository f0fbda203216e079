"""The tier of every household at the end of every day of the sample year, computed without the product.

Features, scores and conditions are plain DuckDB SQL over the fact file, at every local midnight and at every fact's
instant; the policy is the reference's plain Python. A model's conditions are SQL, so DuckDB itself answers them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path

import duckdb

from tests.reference import policy as rules
from tests.reference.features import window
from tests.reference.zones import Zone, zone

Steps = list[tuple[int, str]]  # (instant, tier from then on), in order
_FIRST_DAY = date(1970, 1, 1)
_ATTRIBUTES = (
    *("store_id", "type", "campaign_id", "campaign_type", "coupon_upc"),
    *("age", "income", "home_ownership", "marital_status", "household_size", "household_comp", "kids_count"),
)


@dataclass(frozen=True)
class Difference:
    """A day at whose end a household should have stood elsewhere; None: on no tier yet."""

    scheme: str
    user_id: str
    day: date
    expected: str | None
    recorded: str | None


class SampleYear:
    """The facts of one file, ready to be asked. until: the instant before which everything is decided."""

    def __init__(self, facts: Path, until: int) -> None:
        self._connection = duckdb.connect()
        self._until = until
        self._run("SET enable_progress_bar = false")
        for setting in ("error_on_division_by_zero", "ieee_floating_point_ops"):  # dividing by zero gives null
            self._run(f"SET {setting} = false")
        self._run("CREATE MACRO money(units) AS CAST(round(units * 100) AS BIGINT)")
        columns = ", ".join(f"json_extract_string(attributes, '$.{name}') AS {name}" for name in _ATTRIBUTES)
        self._run(
            f"""CREATE TABLE fact AS SELECT user_id, kind, epoch_us(occurred_at) AS moment, amount,
                   row_number() OVER () AS position, {columns} FROM {_rows(facts)}"""
        )

    def fitted(self, model: dict, at: int) -> dict:
        """The model with the cuts that fitting at this instant gives: "for j = 1…n-1 the smallest observed value v with
        (share of values <= v) >= j/n, over subjects whose value is not null"; equal cuts fold into one."""
        self._prepare(
            model,
            f"SELECT user_id, {at}::BIGINT AS moment FROM (SELECT DISTINCT user_id FROM fact WHERE moment <= {at})",
        )
        scores = dict(model.get("scores", {}))
        for name, score in scores.items():
            if score.get("cuts", "fitted") == "fitted" and "of" in score:
                values = sorted(
                    value
                    for (value,) in self._run(f'SELECT "{score["of"]}" FROM valued').fetchall()
                    if value is not None
                )
                bins = score["bins"]
                # The smallest v such that at least j/n of all are <= v is the ceil(total * j / n)-th smallest.
                cuts = {values[-(-len(values) * j // bins) - 1] for j in range(1, bins)}
                scores[name] = score | {"cuts": sorted(cuts)}
        return model | {"scores": scores}

    def tiers(self, model: dict) -> dict[str, Steps]:
        """Every household's tiers under a model with cuts."""
        local = zone(model["time_zone"])
        midnights = self._midnights(local)
        self._connection.execute(
            "CREATE OR REPLACE TABLE midnight AS SELECT unnest(?::BIGINT[]) AS moment", [midnights]
        )
        points = f"""
            SELECT user_id, moment FROM fact WHERE moment < {self._until}
            UNION SELECT user_id, midnight.moment
            FROM (SELECT user_id, min(moment) AS first_at FROM fact GROUP BY user_id)
            JOIN midnight ON midnight.moment > first_at
        """
        self._prepare(model, points)
        return {user: list(self._steps(model, local, rows)) for user, rows in self._qualifying(model)}

    # ------------------------------------------------------------------------------------------------------- features

    def _prepare(self, model: dict, points: str) -> None:
        """Leaves table `valued`: user_id, moment, and each feature's value."""
        local = zone(model["time_zone"])
        self._run(f"CREATE OR REPLACE TABLE point AS {points}")
        self._days(local)
        self._windows(model, local)
        self._run("CREATE OR REPLACE TABLE valued AS SELECT user_id, moment, day FROM dated")
        names = [*model["features"], *model.get("scores", {})]
        assert len({name.lower() for name in names}) == len(names), "DuckDB does not tell upper from lower case"
        for name, feature in model["features"].items():
            self._run(f"CREATE OR REPLACE TABLE valued AS {self._feature(name, feature)}")

    def _days(self, local: Zone) -> None:
        """Tables `calendar` (day, midnight) and `dated`: points with their day, days counted from 1970."""
        (first,) = self._run("SELECT min(moment) FROM fact").fetchone()
        day, rows = local.day(first), []
        while local.midnight(day) < self._until:
            rows.append(((day - _FIRST_DAY).days, local.midnight(day)))
            day += timedelta(days=1)
        self._connection.execute(
            "CREATE OR REPLACE TABLE calendar AS SELECT unnest(?::BIGINT[]) AS day, unnest(?::BIGINT[]) AS midnight",
            [[row[0] for row in rows], [row[1] for row in rows]],
        )
        self._run(
            """CREATE OR REPLACE TABLE dated AS
            SELECT point.*, day FROM point ASOF JOIN calendar ON point.moment >= midnight"""
        )

    def _windows(self, model: dict, local: Zone) -> None:
        """Table `reach`: per feature and day, the first instant of its window and the last before its end."""
        days = [row[0] for row in self._run("SELECT day FROM calendar").fetchall()]
        rows: tuple[list, list, list, list] = ([], [], [], [])
        for name, feature in model["features"].items():
            for day in days:
                start, end = window(feature, local.midnight(_FIRST_DAY + timedelta(days=day)), local)
                for column, value in zip(rows, (name, day, start, end), strict=True):
                    column.append(value)
        self._connection.execute(
            """CREATE OR REPLACE TABLE reach AS SELECT unnest(?::VARCHAR[]) AS feature, unnest(?::BIGINT[]) AS day,
                   unnest(?::BIGINT[]) AS start_at, unnest(?::BIGINT[]) AS end_at""",
            list(rows),
        )

    def _feature(self, name: str, feature: dict) -> str:
        """`valued` with one column more."""
        aggregate = next(key for key in (*_OF_RUNNING, *_OF_PAIRS) if key in feature)
        kind, _, field = feature[aggregate].partition(".")
        where = f"({feature['where']})" if "where" in feature else "true"
        reached = f"""
            WITH valued AS (
                SELECT valued.*, start_at, least(valued.moment, coalesce(end_at - 1, valued.moment)) AS last_at
                FROM valued JOIN reach ON reach.day = valued.day AND feature = '{name}'
            )
            SELECT valued.* EXCLUDE (start_at, last_at)"""
        if aggregate in _OF_PAIRS:
            return f"""{reached}, coalesce(value, {_NOTHING.get(aggregate, "NULL")}) AS "{name}" FROM valued LEFT JOIN (
                SELECT valued.user_id, valued.moment, {_OF_PAIRS[aggregate]} AS value
                FROM valued
                JOIN (SELECT user_id, moment, {field} AS value FROM fact WHERE kind = '{kind}' AND {where}) AS seen
                    ON valued.user_id = seen.user_id AND seen.moment BETWEEN coalesce(start_at, 0) AND last_at
                GROUP BY valued.user_id, valued.moment
            ) AS found USING (user_id, moment)"""
        self._running("running", f"kind = '{kind}' AND {where}", field or "1")
        less, minus = "", "0"
        if "minus" in feature:
            subtracted, _, subtracted_field = feature["minus"].partition(".")
            self._running("running_less", f"kind = '{subtracted}' AND {where}", subtracted_field)
            less, minus = (
                _since_start("running_less", "less"),
                "coalesce(less.total, 0) - coalesce(less_before.total, 0)",
            )
        return f"""{reached}, {_OF_RUNNING[aggregate].format(minus=minus)} AS "{name}"
            FROM valued {_since_start("running", "upto")} {less}"""

    def _running(self, table: str, condition: str, value: str) -> None:
        """Per user and instant: how many values so far, their sum, the last one and its day."""
        self._run(
            f"""CREATE OR REPLACE TABLE {table} AS
            WITH value AS (SELECT user_id, moment, position, ({value}) AS value FROM fact WHERE {condition}),
            instant AS (
                SELECT user_id, moment, count(value) AS number, {_summed(value)} AS total,
                       arg_max(value, position) AS last
                FROM value WHERE value IS NOT NULL GROUP BY user_id, moment
            ),
            summed AS (
                SELECT user_id, moment, last, sum(number) OVER so_far AS number, sum(total) OVER so_far AS total
                FROM instant WINDOW so_far AS (PARTITION BY user_id ORDER BY moment)
            )
            SELECT summed.*, day AS last_day FROM summed ASOF JOIN calendar ON summed.moment >= midnight"""
        )

    # ------------------------------------------------------------------------------------------------ rules and policy

    def _qualifying(self, model: dict) -> Iterator[tuple[str, Iterable[tuple]]]:
        """Users with their points: (user_id, moment, enter…, keep…), a bool a tier; true only when the condition is
        true."""
        scored = "valued"
        for name, score in model.get("scores", {}).items():
            scored = f'(SELECT *, {_score(score)} AS "{name}" FROM {scored})'
        tiers = model["tiers"]
        flags = [f"coalesce(({_condition(model, tier, part)}), false)" for part in ("enter", "keep") for tier in tiers]
        rows = self._run(
            f"SELECT user_id, moment, {', '.join(flags)} FROM {scored} ORDER BY user_id, moment"
        ).fetchall()
        return groupby(rows, key=itemgetter(0))

    def _steps(self, model: dict, local: Zone, rows: Iterable[tuple]) -> Iterator[tuple[int, str]]:
        """Decides point after point."""
        tiers, policy = model["tiers"], rules.read_policy(model.get("policy"))
        standing: rules.Standing | None = None
        for _, at, *flags in rows:
            qualified = _qualified(model, flags, None if standing is None else tiers.index(standing.tier))
            moment = rules.Moment(at, local)
            if standing is None:
                standing = rules.first(qualified, at)
                yield at, qualified
                continue
            before = standing.tier
            if model.get("unordered"):
                standing, _ = rules.decide_unordered(standing, qualified, policy, moment)
            else:
                standing, _ = rules.decide(standing, qualified, tiers, policy, moment)
            if standing.tier != before:
                yield at, standing.tier

    def _midnights(self, local: Zone) -> list[int]:
        (first,) = self._run("SELECT min(moment) FROM fact").fetchone()
        day, found = local.day(first), []
        while local.midnight(day) < self._until:
            found.append(local.midnight(day))
            day += timedelta(days=1)
        return found

    def _run(self, statement: str) -> duckdb.DuckDBPyConnection:
        return self._connection.execute(statement)


def differences(
    scheme: str, local: Zone, expected: dict[str, Steps], recorded: dict[str, Steps], first_day: date, last_day: date
) -> list[Difference]:
    """Every household and local day at whose end the two do not say the same tier. Users are those of either side."""
    days = [first_day + timedelta(days=number) for number in range((last_day - first_day).days + 1)]
    ends = [local.midnight(day + timedelta(days=1)) for day in days]
    found = []
    for user in sorted(expected.keys() | recorded.keys()):
        should, did = _at_ends(expected.get(user, []), ends), _at_ends(recorded.get(user, []), ends)
        if should != did:
            found += [
                Difference(scheme, user, day, tier, other)
                for day, tier, other in zip(days, should, did, strict=True)
                if tier != other
            ]
    return found


def _at_ends(steps: Steps, ends: list[int]) -> list[str | None]:
    """The tier just before each end."""
    tiers: list[str | None] = []
    tier, reached = None, 0
    for end in ends:
        while reached < len(steps) and steps[reached][0] < end:
            tier = steps[reached][1]
            reached += 1
        tiers.append(tier)
    return tiers


def _qualified(model: dict, flags: list[bool], standing_on: int | None) -> str:
    tiers = model["tiers"]
    enter, keep = flags[: len(tiers)], flags[len(tiers) :]
    if model.get("unordered"):
        return next((tier for tier, entered in zip(tiers, enter, strict=True) if entered), model["default"])
    for rank in range(len(tiers) - 1, 0, -1):
        if enter[rank] or (standing_on is not None and standing_on >= rank and keep[rank]):
            return tiers[rank]
    return tiers[0]


def _condition(model: dict, tier: str, part: str) -> str:
    rule = model.get("rules", {}).get(tier, {"enter": "false"})
    rule = {"enter": rule} if isinstance(rule, str) else rule
    return rule.get(part, rule["enter"])


def _score(score: dict) -> str:
    if "weighted" in score:
        parts = [f"{weight} * {_part(name, score)}" for name, weight in score["weighted"].items()]
        return " + ".join(parts)
    cuts = [f'(CASE WHEN "{score["of"]}" > {cut} THEN 1 ELSE 0 END)' for cut in score["cuts"]]
    bins = f"1 + {' + '.join(cuts)}"
    counted = bins if score.get("best", "high") == "high" else f"{len(cuts) + 2} - ({bins})"
    return f'CASE WHEN "{score["of"]}" IS NULL THEN NULL ELSE {counted} END'


def _part(name: str, score: dict) -> str:
    return f'"{name}"' if score.get("missing") is None else f'coalesce("{name}", 0)'


def _since_start(running: str, name: str) -> str:
    return f"""
        ASOF LEFT JOIN {running} AS {name} ON valued.user_id = {name}.user_id AND last_at >= {name}.moment
        ASOF LEFT JOIN {running} AS {name}_before
            ON valued.user_id = {name}_before.user_id AND start_at > {name}_before.moment"""


def _summed(value: str) -> str:
    return "sum(value)" if value in ("amount", "1") else "0"


def _rows(facts: Path) -> str:
    columns = "{user_id: 'VARCHAR', kind: 'VARCHAR', occurred_at: 'TIMESTAMP', amount: 'BIGINT', attributes: 'JSON'}"
    return f"read_json('{facts}', format = 'newline_delimited', columns = {columns})"


# What a feature is of the running values up to the window's end (upto) and before its start (upto_before): within a
# window a sum is a difference of running sums.
_OF_RUNNING = {
    "count": "coalesce(upto.number, 0) - coalesce(upto_before.number, 0)",
    "sum": "coalesce(upto.total, 0) - coalesce(upto_before.total, 0) - ({minus})",
    "avg": """(upto.total - coalesce(upto_before.total, 0))
        / nullif(upto.number - coalesce(upto_before.number, 0), 0)::DOUBLE""",
    "latest": "CASE WHEN start_at IS NULL OR upto.moment >= start_at THEN upto.last END",
    "days_since": "CASE WHEN start_at IS NULL OR upto.moment >= start_at THEN valued.day - upto.last_day END",
}
# And of the pairs of a point and a fact in its window.
_OF_PAIRS = {"max": "max(value)", "min": "min(value)", "distinct": "count(DISTINCT value)"}
_NOTHING = {"distinct": "0"}
