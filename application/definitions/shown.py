"""A definition as it is answered."""

from typing import Any

from application.definitions.ports import DefinitionView
from domain.facts.instants import format_instant


def shown(view: DefinitionView) -> dict[str, Any]:
    """Instants as text; what was said of it beside its name, as it was said."""
    return {
        "name": view.name,
        "status": view.status,
        "revision": view.revision,
        **view.spec,
        "defined_at": format_instant(view.defined_at),
        "defined_by": view.defined_by,
        "changed_at": format_instant(view.changed_at),
        "changed_by": view.changed_by,
    }
