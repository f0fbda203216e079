"""What of the facts the evaluation of some models asks for: so much is read, and no more."""

from collections.abc import Sequence

from domain.tier_model.compiled import CompiledModel


def lines_read(models: Sequence[CompiledModel]) -> bool:
    """Whether deciding reads order lines: they are most of a fact, and most models do not."""
    return any(model.reads_lines for model in models)


def idents_read(models: Sequence[CompiledModel]) -> bool:
    """Whether deciding asks for sources and fact_ids where there are no voids."""
    return any(model.reads_idents for model in models)


def columns_read(models: Sequence[CompiledModel]) -> frozenset[str] | None:
    """Kinds of facts whose attributes deciding reads (those of the models, the profile, what voids name); None: all."""
    kinds = [model.attribute_kinds for model in models]
    read = [found for found in kinds if found is not None]
    return frozenset({"profile", "void"}).union(*read) if len(read) == len(kinds) else None
