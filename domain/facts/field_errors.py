"""What is wrong with one field of a fact: its name, the value found, the remedy, and a sentence."""

import math
from dataclasses import asdict, dataclass

_SHOWN = 100


@dataclass(frozen=True, slots=True)
class FieldError:
    """field is a path such as attributes.order_id or lines[3].amount, empty for the fact as a whole."""

    field: str
    value: object
    remedy: str
    detail: str

    def to_json(self) -> dict[str, object]:
        """As answered over HTTP and by the CLI."""
        return asdict(self)


def shown(value: object) -> object:
    """A value fit for an error: scalars as they are, everything else and long texts as short text."""
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    text = value if isinstance(value, str) else repr(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
