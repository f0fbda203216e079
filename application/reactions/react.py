"""What is done by itself, in the order in which it matters: a worker's use case."""

from collections.abc import Callable, Sequence


class React:
    """Steps that each do a bit and say whether they did. Any number of workers may take them at once."""

    def __init__(self, steps: Sequence[Callable[[], object]]) -> None:
        self._steps = steps

    def __call__(self) -> bool:
        """Whether anything was done."""
        done = [step() for step in self._steps]  # every one of them: none waits for another
        return any(done)
