"""A definition, and the review of a version of one, as they are answered and printed."""

from typing import Any

from application.definitions.ports import DefinitionView
from domain.facts.instants import format_instant
from domain.tier_model.version import Review


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


def shown_review(review: Review) -> dict[str, Any] | None:
    """Who submitted, approved or rejected it; None before anybody did."""
    if review.submitted_at is None:
        return None
    return {
        "submitted_by": review.submitted_by,
        "submitted_at": format_instant(review.submitted_at),
        "note": review.note,
        "approved_by": review.approved_by or None,
        "approved_at": None if review.approved_at is None else format_instant(review.approved_at),
        "approval": review.approval,
        "rejected_by": review.rejected_by or None,
        "rejected_at": None if review.rejected_at is None else format_instant(review.rejected_at),
        "reason": review.reason,
    }
