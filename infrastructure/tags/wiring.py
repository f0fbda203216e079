"""Tags, segments and user ids over real servers. Called by bootstrap alone."""

from collections.abc import Mapping
from typing import Any

from application.identity.desk import IdentityDesk
from application.identity.link_user_id import LinkUserId
from application.identity.merge_users import MergeUsers
from application.identity.split_user import SplitUser
from application.reactions.when_a_subject_changes_its_rule_tags_follow import (
    RULE_TAG,
    RuleTagJob,
    WhenASubjectChangesItsRuleTagsFollow,
)
from application.runs.ports import Job
from application.segments.define_segment import DefineSegment, RetireSegment
from application.segments.desk import SegmentDesk
from application.tags.add_tag import AddTag
from application.tags.bulk import BULK_TAG, BulkTagJob, BulkTags
from application.tags.define_tag import DefineTag, RetireTag
from application.tags.desk import TagDesk
from application.tags.remove_tag import RemoveTag
from application.tags.rule_state import RuleStates
from application.tags.show_tags import ShowTags
from domain.segments.aggregate import Segment
from domain.tags.aggregate import TagDefinition
from infrastructure.benefits.merging import move_grants
from infrastructure.definitions.store import PostgresDefinitions
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.event_store.tail import LogTail
from infrastructure.identity.ledger import PostgresIdentities
from infrastructure.postgres.pool import Pool
from infrastructure.queries.segments import SearchSegment
from infrastructure.runs.store import PostgresRuns
from infrastructure.security.keyring import Keyring
from infrastructure.strategies.merging import move_assignments
from infrastructure.tags.bulks import PostgresBulks
from infrastructure.tags.rules import PostgresRuleTags


def wired_tags(
    pool: Pool,
    keyring: Keyring,
    ledger: Ledger,
    tail: LogTail,
    runs: PostgresRuns,
    evaluation: PostgresEvaluationLedger,
    search: SearchSegment,
) -> tuple[dict[str, Any], Mapping[str, Job]]:
    """What can be done with tags, segments and user ids, by its name in the system, and who does parts of long work."""
    definitions = tag_definitions(pool, ledger)
    rules = PostgresRuleTags(pool, keyring, tail, evaluation, definitions)
    bulks = PostgresBulks(pool, keyring, evaluation)
    segments = PostgresDefinitions(pool, ledger, Segment)
    identities = PostgresIdentities(pool, keyring, evaluation, (move_grants, move_assignments))
    able = {
        "identities": IdentityDesk(
            LinkUserId(identities), MergeUsers(identities), SplitUser(identities), identities.user_ids
        ),
        "segments": SegmentDesk(segments, DefineSegment(segments, search), RetireSegment(segments), search),
        "add_tag": AddTag(evaluation, definitions),
        "remove_tag": RemoveTag(evaluation, definitions),
        "tags": TagDesk(
            definitions=definitions,
            define=DefineTag(definitions, search),
            retire=RetireTag(definitions),
            show=ShowTags(definitions, search, RuleStates(runs, rules.place)),
            bulk=BulkTags(bulks, runs, definitions, search),
            follow_rules=WhenASubjectChangesItsRuleTagsFollow(rules, runs),
        ),
    }
    return able, {RULE_TAG: RuleTagJob(rules), BULK_TAG: BulkTagJob(bulks)}


def tag_definitions(pool: Pool, ledger: Ledger) -> PostgresDefinitions[TagDefinition]:
    """What tags are defined."""
    return PostgresDefinitions(pool, ledger, TagDefinition)
