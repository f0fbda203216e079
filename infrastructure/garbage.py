"""How often Python looks for garbage in circles."""

import atexit
import gc


def collect_rarely() -> None:
    """For processes that work in batches: thousands of small values that die young, and no circles among them.

    Looking for circles among them costs more than making them. What is there now (modules, models) is never looked at.
    """
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    atexit.register(gc.unfreeze)  # DuckDB complains, at length and to the user, of what it finds left at the end
