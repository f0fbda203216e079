"""Whether the tiers from which pins need a second person are still there: a new version may have renamed them."""

from collections.abc import Callable, Mapping

from application.queries import LedgerQueries, UnknownScheme
from infrastructure.health import PartFaulty


def checks(queries: LedgerQueries, approval_from: Mapping[str, str]) -> dict[str, Callable[[], str]]:
    """For whoever asks how this installation is; nothing where nobody is asked. approval_from: as in the settings."""
    return {"overrides": lambda: _checked(queries, approval_from)} if approval_from else {}


def _checked(queries: LedgerQueries, approval_from: Mapping[str, str]) -> str:
    gone, unknown = [], []
    for scheme, tier in sorted(approval_from.items()):
        try:
            tiers = queries.shape_of(scheme).tiers
        except UnknownScheme:
            unknown.append(scheme)  # nobody can be pinned there yet
            continue
        if tier not in tiers:
            gone.append(
                f"TIERLINE_OVERRIDE_APPROVAL_FROM names {scheme}={tier}, and scheme {scheme} has the tiers "
                f"{', '.join(tiers)}: every pin there that is no ceiling waits for a second person"
            )
    if gone:
        raise PartFaulty("; ".join(gone))
    told = "pins need a second person from " + ", ".join(f"{scheme}={tier}" for scheme, tier in approval_from.items())
    return told + (f"; nothing was ever in force of the scheme {', '.join(unknown)}" if unknown else "")
