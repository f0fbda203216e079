"""Lists as people make them: headings, spreadsheets' marks, bad lines by their numbers."""

import pytest

from application.bulk_grants.listing import ListFormat, listed, listed_ids
from application.bulk_grants.ports import Listed


@pytest.mark.parametrize(
    ("lines", "found"),
    [
        ([b"user_id\n", b"u-1\n", b"\n", b"u-2"], [Listed(2, "u-1"), Listed(4, "u-2")]),
        ([b"u-1\r\n", b"u-2\r\n"], [Listed(1, "u-1"), Listed(2, "u-2")]),
        ([b"\xef\xbb\xbfName,User_ID\r\n", b'"Ann, A.",u-1\r\n'], [Listed(2, "u-1")]),
        ([b"name,user_id\n", b"Ann\n"], [Listed(2, "", "has too few columns")]),
        ([b"user_id\n", b"\xff\xfe\n", b"u\x00\n"], [Listed(2, "", "is not UTF-8"), Listed(3, "", "is no user_id")]),
        ([b"user_id\n", b"u" * 200_000], [Listed(2, "", "is no CSV")]),
        ([b"name,user_id\n", b"Ann, \n"], [Listed(2, "", "names no user_id")]),
    ],
)
def test_csv(lines: list[bytes], found: list[Listed]) -> None:
    assert list(listed(lines, "csv")) == found


def test_ndjson() -> None:
    lines = [b'"u-1"', b"", b'{"user_id": "u-2", "name": "Bob"}', b"u-3", b"3", b'{"user": "u-4"}', b'{"user_id": 5}']
    assert list(listed(lines, "ndjson")) == [
        Listed(1, "u-1"),
        Listed(3, "u-2"),
        Listed(4, "", "is no JSON"),
        Listed(5, "", "names no user_id"),
        Listed(6, "", "names no user_id"),
        Listed(7, "", "names no user_id"),
    ]


@pytest.mark.parametrize("written", ["csv", "ndjson"])
def test_nothing(written: ListFormat) -> None:
    assert list(listed([], written)) == []


def test_a_list_that_was_sent_as_one() -> None:
    assert list(listed_ids(["u-1", " u-2 ", ""])) == [
        Listed(1, "u-1"),
        Listed(2, "u-2"),
        Listed(3, "", "names no user_id"),
    ]
