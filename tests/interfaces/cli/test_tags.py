"""`tierline tag`: defined, put on, taken off, in bulk."""

from pathlib import Path

from tests.interfaces.cli.conftest import Run


def test_tags_from_the_command_line(tierline: Run, model_file: str, facts_file: str, tmp_path: Path) -> None:
    tierline("facts", "import", facts_file)
    tierline("model", "activate", model_file)
    said = ("--owner", "crm", "--meaning", "in cm", "--type", "number", "--label", "zh-CN=身高")
    defined = tierline("tag", "define", "height", *said)
    assert (defined["type"], defined["labels"], defined["revision"]) == ("number", {"zh-CN": "身高"}, 1)
    assert tierline("tag", "define", "height", *said, "--category", "body")["revision"] == 2
    assert "number" in tierline("tag", "add", "u-0", "height", "--value", "tall", code=1, as_json=False)
    assert tierline("tag", "add", "u-0", "height", "--value", "180.5")["value"] == 180.5
    assert tierline("tag", "remove", "u-0", "height")["changed"] is True
    assert tierline("user", "tag", "u-0", "free")["changed"] is True
    assert tierline("user", "untag", "u-0", "free")["changed"] is True
    assert tierline("tag", "define", "x", "--owner", "crm", "--meaning", "m", "--label", "oops", code=2)

    listed = tmp_path / "users.csv"
    listed.write_text("user_id\nu-0\nu-1\nnobody\n")
    bulk = tierline("tag", "bulk", "preview", "height", "--file", str(listed), "--value", "170")
    assert (bulk["users"], bulk["unknown"], bulk["value"]) == (2, 1, 170)
    ran = tierline("tag", "bulk", "run", bulk["id"])
    assert (ran["state"], ran["by_outcome"]) == ("done", {"changed": 2})
    assert tierline("tag", "bulk", "show", bulk["id"])["state"] == "done"
    assert tierline("tag", "bulk", "cancel", bulk["id"], code=1)
    assert tierline("tag", "bulk", "revert", bulk["id"])["by_outcome"] == {"reverted": 2}

    assert tierline("tag", "retire", "height", "--reason", "over")["status"] == "retired"
    assert "retired" in tierline("tag", "add", "u-0", "height", "--value", "1", code=1, as_json=False)
    for table in (["tag", "bulk", "show", bulk["id"]], ["tag", "bulk", "preview", "t", "--file", str(listed)]):
        assert "users" in tierline(*table, as_json=False)


def test_who_has_them(tierline: Run, model_file: str, facts_file: str) -> None:
    tierline("facts", "import", facts_file)
    tierline("model", "activate", model_file)
    tierline("tag", "define", "vip", "--owner", "crm", "--meaning", "knows us")
    tierline("tag", "add", "u-0", "vip")
    tierline("projections", "rebuild", "user_search")
    assert [(tag["name"], tag["users"]) for tag in tierline("tag", "list")] == [("vip", 1)]
    assert tierline("tag", "show", "vip")["users"] == 1
    assert "knows us" in tierline("tag", "show", "vip", as_json=False)


def test_segments_are_saved_and_exported(tierline: Run, model_file: str, facts_file: str, tmp_path: Path) -> None:
    tierline("facts", "import", "--history", facts_file)
    tierline("model", "activate", model_file)
    tierline("facts", "import", facts_file)
    tierline("verify", "read-models")
    said = ("--owner", "crm", "--meaning", "some")
    assert tierline("segment", "define", "mids", "tier.value = 'low'", *said)["revision"] == 1
    assert "line 1" in tierline("segment", "define", "x", "tier.valu = 'low'", *said, code=1, as_json=False)
    assert tierline("segment", "define", "mids", "orders >= 0", *said)["revision"] == 2
    (listed,) = tierline("segment", "list")
    assert (listed["name"], listed["where"]) == ("mids", "orders >= 0")
    to = tmp_path / "mids.csv"
    tierline("segment", "export", "--segment", "mids", "--to", str(to), as_json=False)
    assert len(to.read_text().splitlines()) == 1 + listed["users"]
    tierline("segment", "export", "x", "--segment", "mids", code=2, as_json=False)
    assert tierline("segment", "retire", "mids")["status"] == "retired"


def test_user_ids_are_linked_merged_and_split(tierline: Run, model_file: str, facts_file: str) -> None:
    tierline("facts", "import", facts_file)
    tierline("model", "activate", model_file)
    assert tierline("user", "link", "u-0", "app-1")["user_ids"] == ["app-1", "u-0"]
    assert tierline("user", "ids", "app-1")["user_ids"] == ["app-1", "u-0"]
    assert "names another user" in tierline("user", "link", "u-0", "u-1", code=1, as_json=False)
    merged = tierline("user", "merge", "u-0", "u-1", "--reason", "one person")
    assert (merged["user_ids"], merged["facts_copied"]) == (["app-1", "u-0", "u-1"], 1)
    (absorbed,) = [e for e in tierline("user", "history", "u-1") if e["topic"] == "user-tier.user-absorbed.v1"]
    before = tierline("user", "history", "u-0", "--absorbed", absorbed["data"]["subject"])
    assert before[-1]["topic"] == "user-tier.user-merged.v1"
    assert "itself" in tierline("user", "merge", "u-0", "u-0", "--reason", "x", code=1, as_json=False)
    split = tierline("user", "split", "u-0", "u-1", "app-1", "--reason", "two people")
    assert (split["user_ids"], split["new_user_ids"]) == (["u-0"], ["app-1", "u-1"])
    assert (split["facts_copied"], split["facts_voided"]) == (1, 1)
    assert tierline("user", "ids", "u-1")["user_ids"] == ["app-1", "u-1"]
    begun = tierline("user", "history", "u-1")
    assert [event["topic"] for event in begun[:2]] == ["user-tier.user-enrolled.v1", "user-tier.user-split-off.v1"]
    assert "nobody would stay" in tierline("user", "split", "u-0", "u-0", "--reason", "x", code=1, as_json=False)
    said = tierline("user", "split", "u-1", "app-1", "--reason", "x", as_json=False)
    assert "app-1 left u-1 and name a new user; 0 facts" in said
    assert tierline("verify", "receipts")["checked"] > 0
