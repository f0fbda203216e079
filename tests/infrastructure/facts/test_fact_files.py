"""Files of facts: the same facts whatever the file."""

import gzip
import json
from pathlib import Path

import duckdb
import pytest

from domain.facts.check import check_fact
from domain.facts.fact import Fact
from domain.facts.kinds import BUILT_IN
from infrastructure.facts.fact_files import FactFile, FileOfFactsUnreadable
from tests.support.fact_texts import fact_text

EXPECTED = [
    Fact("f1", "u1", "order", 1_772_352_000_000_000, "shop", 100, "CNY", {"code": "007", "n": 5}, ({"sku": "s"},)),
    Fact("f2", "u2", "visit", 1_772_352_000_500_000, "", None, None, {"vip": True}),
]
CSV = """fact_id,user_id,kind,occurred_at,source,amount,currency,code,attributes.n:int,vip:bool,lines
f1,u1,order,2026-03-01T08:00:00Z,shop,100,CNY,007,5,,"[{""sku"": ""s""}]"
f2,u2,visit,2026-03-01T16:00:00.5+08:00,,,,,,true,
"""


def _facts(path: Path, source: str | None = None) -> list[object]:
    return [check_fact(sent, BUILT_IN) for sent in FactFile(path, source)]


def test_csv(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(CSV)
    file = FactFile(path)
    assert [check_fact(sent, BUILT_IN) for sent in file] == EXPECTED
    assert file.done == file.size == 2


def test_a_fraction_in_csv_is_refused_not_rounded(tmp_path: Path) -> None:
    path = tmp_path / "facts.csv"
    path.write_text(CSV.replace(",100,", ",10.5,"))
    (errors, _) = _facts(path)
    assert isinstance(errors, list) and (errors[0].field, errors[0].value) == ("amount", 10.5)


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "it's facts.parquet"
    name = str(path).replace("'", "''")
    duckdb.sql(f"""
        copy (
            select 'f1' as fact_id, 'u1' as user_id, 'order' as kind,
                   timestamptz '2026-03-01 08:00:00+00' as occurred_at, 'shop' as source,
                   100::decimal(18, 0) as amount, 'CNY' as currency, '007' as code, 5 as n,
                   null::boolean as vip, [{{'sku': 's', 'category': null}}] as lines
            union all
            select 'f2', 'u2', 'visit', timestamptz '2026-03-01 08:00:00.5+00', null, null, null, null, null, true, null
        ) to '{name}' (format parquet)
    """)
    assert _facts(path) == EXPECTED


@pytest.mark.parametrize("zipped", [False, True])
def test_ndjson_and_a_source_for_those_without(tmp_path: Path, zipped: bool) -> None:
    path = tmp_path / ("facts.ndjson.gz" if zipped else "facts.ndjson")
    content = b"\n".join([fact_text("f1"), b"{broken", fact_text("f2", source="shop")])
    path.write_bytes(gzip.compress(content) if zipped else content)
    one, broken, two = _facts(path, "pos")
    assert isinstance(one, Fact) and one.source == "pos"
    assert isinstance(broken, list)
    assert isinstance(two, Fact) and two.source == "shop"
    assert [json.loads(line)["fact_id"] for line in list(FactFile(path))[::2]] == ["f1", "f2"]


@pytest.mark.parametrize(
    ("name", "content"), [("none.csv", None), ("facts.txt", b""), ("facts.parquet", b"PAR"), ("facts.ndjson.gz", b"x")]
)
def test_what_is_no_file_of_facts_is_refused(tmp_path: Path, name: str, content: bytes | None) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(FileOfFactsUnreadable) as refused:
        list(FactFile(path))
    assert refused.value.complaints[0].value == str(path)
