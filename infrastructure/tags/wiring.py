"""Tags and their definitions over real servers. Called by bootstrap alone."""

from typing import Any

from application.tags.add_tag import AddTag
from application.tags.define_tag import DefineTag, RetireTag
from application.tags.desk import TagDesk
from application.tags.remove_tag import RemoveTag
from application.tags.show_tags import ShowTags
from domain.tags.aggregate import TagDefinition
from infrastructure.definitions.store import PostgresDefinitions
from infrastructure.evaluation.ledger import PostgresEvaluationLedger
from infrastructure.event_store.application import Ledger
from infrastructure.postgres.pool import Pool
from infrastructure.queries.segments import SearchSegment


def wired_tags(
    pool: Pool, ledger: Ledger, evaluation: PostgresEvaluationLedger, search: SearchSegment
) -> dict[str, Any]:
    """What can be done with tags, by its name in the system."""
    definitions = PostgresDefinitions(pool, ledger, TagDefinition)
    return {
        "add_tag": AddTag(evaluation, definitions),
        "remove_tag": RemoveTag(evaluation, definitions),
        "tags": TagDesk(
            definitions=definitions,
            define=DefineTag(definitions, search),
            retire=RetireTag(definitions),
            show=ShowTags(definitions, search),
        ),
    }
