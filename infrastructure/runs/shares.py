"""Equal shares of all subjects, for the parts of a run."""

from uuid import UUID


def bounds_of(part: int, parts: int) -> tuple[UUID, UUID]:
    """The first and the last subject id of one of `parts` equal shares; part: from 0."""
    width = 2**128 // parts
    return UUID(int=part * width), UUID(int=(part + 1) * width - 1)
