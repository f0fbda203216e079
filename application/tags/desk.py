"""Everything that can be done with tags and their definitions, as one value of the system."""

from dataclasses import dataclass

from application.definitions.ports import Definitions
from application.reactions.when_a_subject_changes_its_rule_tags_follow import WhenASubjectChangesItsRuleTagsFollow
from application.tags.bulk import BulkTags
from application.tags.define_tag import DefineTag, RetireTag
from application.tags.show_tags import ShowTags
from domain.tags.aggregate import TagDefinition


@dataclass(frozen=True, slots=True)
class TagDesk:
    """What people do with tags; putting one on one user is apart, as `add_tag` and `remove_tag`."""

    definitions: Definitions[TagDefinition]
    define: DefineTag
    retire: RetireTag
    show: ShowTags
    bulk: BulkTags
    follow_rules: WhenASubjectChangesItsRuleTagsFollow
