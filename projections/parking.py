"""Poison: a record that cannot be projected parks its subject, with the reason. The lane goes on, nothing is lost."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import structlog

from projections.catalogue import ReadModel
from projections.checkpoint import Ledger, Parked
from projections.records import BrokenRecord, Record
from projections.target import Projector, Refused

_LONGEST_ERROR = 2_000
_log = structlog.get_logger(__name__)


class UnreadableRecord(Exception):
    """A stored record that this code cannot read."""


class ParkingLot:
    """The parked subjects of one version of a read model, as of its making and with what it parks itself."""

    def __init__(self, ledger: Ledger, model: ReadModel, version: int, projector: Projector) -> None:
        self._ledger, self._model, self._version, self._projector = ledger, model, version, projector
        self._rows = ledger.parked(model.name, version)
        self._subjects = {row.subject_id for row in self._rows}

    def rows(self) -> list[Parked]:
        """Parked subjects by position."""
        return list(self._rows)

    def project(self, records: Iterable[Record]) -> list[Any]:
        """Operations of the records of all subjects that are not parked. A record that fails parks its subject."""
        operations = []
        for record in records:
            if not self._model.wants(record) or (self._subjects and record.subject_id in self._subjects):
                continue
            try:
                operation = self._project(record)
            except Exception as error:  # the record's fault, never the lane's
                self._park(record.subject_id, record.position, _reason(error))
                continue
            if operation is not None:
                operations.append(operation)
        return operations

    def park_refused(self, refused: Iterable[Refused]) -> None:
        """Park the subjects of operations that the store refused."""
        for one in refused:
            self._park(one.subject_id, one.position, one.error)

    def project_again(self, parked: Parked, records: Sequence[Record]) -> list[Any] | None:
        """Operations of a parked subject's waiting records. None when one fails again: it stays parked."""
        try:
            operations = [self._project(record) for record in records if self._model.wants(record)]
        except Exception as error:  # as above
            self._park(parked.subject_id, parked.position, _reason(error))
            return None
        return [operation for operation in operations if operation is not None]

    def settle_retry(self, parked: Parked, refused: Sequence[Refused]) -> bool:
        """Free the subject if the store took everything. Returns whether it did."""
        if refused:
            self._park(parked.subject_id, parked.position, refused[0].error)
            return False
        self._ledger.unpark(self._model.name, self._version, parked.subject_id)
        return True

    def _project(self, record: Record) -> Any:
        if isinstance(record, BrokenRecord):
            raise UnreadableRecord(record.error)
        return self._projector(record)

    def _park(self, subject_id: UUID, position: int, error: str) -> None:
        self._ledger.park(self._model.name, self._version, subject_id, position, error[:_LONGEST_ERROR])
        self._subjects.add(subject_id)
        _log.error(
            "subject_parked", name=self._model.name, version=self._version, subject_id=str(subject_id), error=error
        )


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
