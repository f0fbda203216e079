"""What a reader meets where a record was damaged. A fault, no refusal: nobody has asked wrongly."""

from uuid import UUID


class RecordDamaged(Exception):
    """Something recorded of a subject does not open any more. part: what of it."""

    def __init__(self, subject_id: UUID, part: str, sentence: str, remedy: str) -> None:
        self.subject_id, self.part, self.remedy = subject_id, part, remedy
        super().__init__(f"{sentence}: {remedy}")
