"""Everything that can be done: the table of contents of the writing side. One use case a file, wired in one place."""

from typing import Protocol

from application.facts.history_status import GetHistoryStatusHandler
from application.facts.open_history import OpenHistoryHandler
from application.facts.record_facts import RecordFactsHandler
from application.facts.register_fact_kind import RegisterFactKindHandler
from application.facts.seal_history import SealHistoryHandler


class Commands(Protocol):
    """What a wired system can be told to do."""

    record_facts: RecordFactsHandler
    register_fact_kind: RegisterFactKindHandler
    open_history: OpenHistoryHandler
    seal_history: SealHistoryHandler
    history_status: GetHistoryStatusHandler
