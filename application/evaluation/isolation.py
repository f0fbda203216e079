"""Work on many subjects in one transaction, of whom one may be beyond deciding: nobody else is held up."""

from collections.abc import Callable, Sequence
from uuid import UUID

from application.evaluation.ports import Undecidable


def isolating(
    subject_ids: Sequence[UUID], together: int, act: Callable[[Sequence[UUID]], int]
) -> tuple[int, list[UUID]]:
    """act on up to `together` at a time; those who fail are halved until whoever fails alone is found.

    The sum of what act answers, and who failed alone.
    """
    waiting = [subject_ids[start : start + together] for start in range(0, len(subject_ids), together)]
    answered, undecided = 0, list[UUID]()
    while waiting:
        some = waiting.pop()
        try:
            answered += act(some)
        except Undecidable:
            if len(some) == 1:
                undecided += some
            else:
                half = len(some) // 2
                waiting += [some[:half], some[half:]]
    return answered, undecided
