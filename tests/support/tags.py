"""Tags and their rules over a ledger of their own."""

from collections.abc import Sequence
from typing import Any, cast

from application.reactions.when_a_subject_changes_its_rule_tags_follow import (
    RULE_TAG,
    RuleTagJob,
    WhenASubjectChangesItsRuleTagsFollow,
)
from application.runs.perform_runs import PerformRuns
from application.tags.define_tag import DefineTag, RetireTag
from domain.tags.definition import Lineage, TagSpec
from infrastructure.event_store.tail import LogTail
from infrastructure.queries.segments import SearchSegment
from infrastructure.runs.store import PostgresRuns
from infrastructure.tags.rules import PostgresRuleTags
from tests.support.ledger import LedgerSystem


class RuleTags:
    """What a worker does with rule tags, a step at a time."""

    def __init__(self, system: LedgerSystem) -> None:
        tail = LogTail(system.pool, system.keyring)
        self.runs = PostgresRuns(system.pool, system.keyring)
        self.ledger = PostgresRuleTags(system.pool, system.keyring, tail, system.evaluation, system.tag_definitions)
        # Definitions ask for names alone, and never search.
        vocabulary = SearchSegment(system.pool, cast(Any, None))
        self.define, self.retire = (
            DefineTag(system.tag_definitions, vocabulary),
            RetireTag(system.tag_definitions),
        )
        self.follow = WhenASubjectChangesItsRuleTagsFollow(self.ledger, self.runs)
        self.perform = PerformRuns(self.runs, {RULE_TAG: RuleTagJob(self.ledger)})

    def rule(self, tag: str, condition: str, *, revise: bool = False) -> None:
        """Define a tag by a rule, or revise it."""
        spec = TagSpec("crm", "by rule", lineage=Lineage("rule", condition=condition))
        (self.define.revise if revise else self.define)(tag, spec, "key:op")

    def settle(self) -> None:
        """Until there is nothing more to do."""
        while self.follow() or self.perform():
            pass


def tags_of(system: LedgerSystem, *users: str) -> list[Sequence[str]]:
    """The tags of each, as observed."""
    return [system.observed(user).tags for user in users]
