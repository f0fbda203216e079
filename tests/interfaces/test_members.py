"""Members of a segment as a table."""

import csv
import io

from interfaces.members import csv_texts


def test_tags_with_spaces_stay_apart() -> None:
    member = {"user_id": "ann", "tiers": {"value": "high"}, "features": {}, "tags": ["size = XL", "vip"]}
    text = b"".join(csv_texts([member], ["tier.value"])).decode()
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert row == {"user_id": "ann", "tier.value": "high", "tags": "size = XL\nvip"}
