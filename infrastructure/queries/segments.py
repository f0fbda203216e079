"""Segments: conditions over tiers, tags and features, read by the models in force and asked of the search index."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from application.queries import (
    CursorInvalid,
    Direction,
    Holding,
    SchemeWithoutScopes,
    ScopedTier,
    SegmentFieldUnknown,
    SegmentPage,
)
from application.segments.ports import TAG_VALUE, Vocabulary
from domain.tier_model.calendar import calendar_of
from domain.tier_model.column import Type
from domain.tier_model.compiled import CompiledModel
from domain.tier_model.expression import SCALAR_PARTS, SearchField, compile_segment
from domain.tier_model.names import types_of
from domain.tier_model.spec import GROWTH, Avg, DaysSince
from infrastructure.postgres.pool import Pool
from infrastructure.tier_models.in_force import ModelsInForceReader
from projections.user_search.projector import scoped_tier
from projections.user_search.view import CursorInvalid as CursorOfAnother
from projections.user_search.view import UserSearchView

_DAYS = "days."
_FIRST_DAY = date(1970, 1, 1)
_DAY_RANGE = ((date.min - _FIRST_DAY).days, (date.max - _FIRST_DAY).days)
_NO_TAGS: Mapping[str, Type] = {}
_TYPES_OF_TAGS = {"number": Type.number, "text": Type.text, "choice": Type.text}
_VALUED_TAGS = """
select name, spec ->> 'type' from definitions
where kind = 'tag' and spec ->> 'type' in ('number', 'text', 'choice') order by name
"""
_LISTED = ("tags", "benefits", "strategies", "arms")
_ATTRIBUTE = re.compile(r"attributes\.[A-Za-z0-9_\-]{1,100}")


class SegmentNames(NamedTuple):
    """What a segment may name. types: as a condition reads it; fields: where it is indexed; currency: of money().

    scoped: schemes that are kept per scope; conditions do not name them. owners: the scheme that a name is of.
    """

    types: Mapping[str, Type]
    fields: Mapping[str, SearchField]
    currency: str
    scoped: frozenset[str]
    owners: Mapping[str, str]


class SearchSegment:
    """Answers who is in a segment, out of OpenSearch. Safe for threads."""

    def __init__(self, pool: Pool, view: UserSearchView) -> None:
        self._pool = pool
        self._view = view
        self._models = ModelsInForceReader()

    def __call__(
        self,
        where: str | None,
        sort: Sequence[tuple[str, Direction]],
        size: int,
        cursor: str | None,
        facets: Sequence[str],
        besides: Sequence[ScopedTier | Holding] = (),
    ) -> SegmentPage:
        """See application.queries.Queries.search_segment."""
        names = self._names()
        query = query_of(where, names, besides)
        order = [_order(names, name, direction) for name, direction in sort]
        counted = {facet: _facet(names, facet) for facet in facets}
        try:
            page = self._view.search(query, order, size, cursor, counted)
        except CursorOfAnother:
            raise CursorInvalid(cursor or "") from None
        return SegmentPage(page.total, page.users, page.facets, page.next_cursor)

    def require_searchable(self, where: str | None, besides: Sequence[ScopedTier | Holding] = ()) -> None:
        """See application.queries.SegmentSearch."""
        query_of(where, self._names(), besides)

    def members(self, where: str | None, besides: Sequence[ScopedTier | Holding] = ()) -> Iterator[dict[str, Any]]:
        """See application.queries.SegmentSearch."""
        found = self._view.members(query_of(where, self._names(), besides))
        return ({"user_id": document["user_ids"][0], **document} for document in found)

    def columns(self) -> list[str]:
        """tier.SCHEME, pinned.SCHEME, frozen.SCHEME and SCHEME.FEATURE of everything in force, and tag_value.NAME."""
        return [name for name in self._names().types if "." in name]

    def read(self) -> Vocabulary:
        """See application.segments.ports.SegmentVocabulary."""
        models, names = self._models_and_names()
        return Vocabulary(
            names.types,
            names.owners,
            names.currency,
            {scheme: model.version for scheme, model in models.items()},
            {scheme: model.reads_tags for scheme, model in models.items()},
            {scheme: model.reads_schemes for scheme, model in models.items()},
        )

    def _names(self) -> SegmentNames:
        return self._models_and_names()[1]

    def _models_and_names(self) -> tuple[Mapping[str, CompiledModel], SegmentNames]:
        with self._pool.connection() as connection:
            models = self._models.read(connection).current
            row = connection.execute("select tierline_peek()").fetchone()
            valued = connection.execute(_VALUED_TAGS).fetchall()
        assert row is not None
        return models, names_of(models, row[0], {name: _TYPES_OF_TAGS[type_] for name, type_ in valued})


def names_of(models: Mapping[str, CompiledModel], now: int, valued_tags: Mapping[str, Type] = _NO_TAGS) -> SegmentNames:
    """tier.SCHEME, SCHEME.FEATURE, and FEATURE where only one scheme in force has it; pinned.SCHEME (a pin's mode) and
    frozen.SCHEME (true), which have a value only where there is one; tag_value.NAME of tags that are defined with
    values. now: microseconds."""
    types: dict[str, Type] = {}
    fields: dict[str, SearchField] = {}
    owners: dict[str, list[str]] = {}
    scoped = frozenset(scheme for scheme, model in models.items() if model.spec.per is not None)
    for scheme, model in models.items():
        if scheme in scoped:
            continue
        types[f"tier.{scheme}"] = Type.text
        fields[f"tier.{scheme}"] = SearchField(f"tiers.{scheme}", Type.text)
        types[f"pinned.{scheme}"], types[f"frozen.{scheme}"] = Type.text, Type.boolean
        fields[f"pinned.{scheme}"] = SearchField(f"pinned.{scheme}", Type.text)
        fields[f"frozen.{scheme}"] = SearchField(f"frozen.{scheme}", Type.boolean)
        today = calendar_of(model.spec.time_zone).day_of(now)
        declared = types_of(model.spec)
        for name, feature in model.spec.features.items():
            owners.setdefault(name, []).append(scheme)
            types[f"{scheme}.{name}"] = declared[name]
            fields[f"{scheme}.{name}"] = (
                SearchField(f"{_DAYS}{scheme}.{name}", Type.day, today=today)
                if isinstance(feature, DaysSince)
                else _typed(f"typed.{scheme}.{name}", declared[name], fractional=isinstance(feature, Avg))
            )
        if model.spec.growth is not None:
            owners.setdefault(GROWTH, []).append(scheme)
            types[f"{scheme}.{GROWTH}"] = Type.integer
            fields[f"{scheme}.{GROWTH}"] = _typed(f"typed.{scheme}.{GROWTH}", Type.integer, fractional=False)
    for name, schemes in owners.items():
        if len(schemes) == 1:
            types[name], fields[name] = types[f"{schemes[0]}.{name}"], fields[f"{schemes[0]}.{name}"]
    for name, type_ in valued_tags.items():
        types[TAG_VALUE + name] = type_
        place = "tag_numbers" if type_ is Type.number else "tag_texts"
        fields[TAG_VALUE + name] = SearchField(f"{place}.{name}", type_, fractional=type_ is Type.number)
    currency = next((models[scheme].spec.currency for scheme in sorted(models)), "USD")
    return SegmentNames(types, fields, currency, scoped, _owners(types, models, owners))


def _owners(
    types: Mapping[str, Type], models: Mapping[str, CompiledModel], plain: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    """The scheme of every name but those of tags. plain: the schemes of names without one."""
    found = {name: schemes[0] for name, schemes in plain.items() if name in types}
    for name in types:
        first, _, second = name.partition(".")
        scheme = second if first in ("tier", "pinned", "frozen") else first
        if second and scheme in models:
            found[name] = scheme
    return found


def _typed(path: str, type_: Type, fractional: bool) -> SearchField:
    """A feature's field; of a feature of any type the object that has a field for each."""
    if type_ is Type.scalar:
        return SearchField(path, type_)
    held = str if type_ is Type.text else float if fractional or type_ is Type.number else int
    return SearchField(f"{path}.{SCALAR_PARTS[held]}", type_, fractional=fractional)


def _plain(field: SearchField) -> str:
    """The field to sort by or to count: of a feature of any type its texts."""
    return f"{field.path}.{SCALAR_PARTS[str]}" if field.type is Type.scalar else field.path


def query_of(
    where: str | None, names: SegmentNames, besides: Sequence[ScopedTier | Holding] = ()
) -> dict[str, Any] | None:
    """The OpenSearch query of a condition, of standings in scopes and of what is held; None for everybody.

    Raises ConditionInvalid, SchemeWithoutScopes.
    """
    filters = [
        {"term": {wanted.field: wanted.name}} if isinstance(wanted, Holding) else _scoped(number, wanted, names)
        for number, wanted in enumerate(besides)
    ]
    query = _condition(where, names)
    if not filters:
        return query
    return {"bool": {"filter": filters if query is None else [query, *filters]}}


def _scoped(number: int, wanted: ScopedTier, names: SegmentNames) -> dict[str, Any]:
    if wanted.scheme not in names.scoped:
        raise SchemeWithoutScopes(f"scoped.{number}.scheme", wanted.scheme, wanted.scheme)
    term = scoped_tier(wanted.scheme, wanted.scope, wanted.tier or "")
    return {"prefix" if wanted.tier is None else "term": {"scoped_tiers": term}}


def _condition(where: str | None, names: SegmentNames) -> dict[str, Any] | None:
    if where is None or not where.strip():
        return None
    condition = compile_segment(where, names.types, currency=names.currency)
    query: dict[str, Any] = _with_dates(condition.to_opensearch(lambda name: names.fields[name]))
    return query


def _with_dates(query: Any) -> Any:
    """Days are compiled as numbers and indexed as dates."""
    if isinstance(query, list):
        return [_with_dates(part) for part in query]
    if not isinstance(query, dict):
        return query
    return {key: _dates_in(part) if key.startswith(_DAYS) else _with_dates(part) for key, part in query.items()}


def _dates_in(bounds: Any) -> Any:
    if isinstance(bounds, dict):
        return {key: _dates_in(bound) for key, bound in bounds.items()}
    if isinstance(bounds, list):
        return [_dates_in(bound) for bound in bounds]
    return _date(bounds)


def _date(bound: Any) -> Any:
    if isinstance(bound, bool) or not isinstance(bound, int):
        return bound
    first, last = _DAY_RANGE
    return (_FIRST_DAY + timedelta(days=min(max(bound, first), last))).isoformat()


def _order(names: SegmentNames, name: str, direction: Direction) -> tuple[str, str]:
    """The field and direction to sort by. The longest ago is the earliest day."""
    if name == "user_id":
        return "user_ids", direction
    field = names.fields.get(name)
    if field is None:
        raise SegmentFieldUnknown("sort", name, ["user_id", *names.fields])
    if field.type is Type.day:
        return field.path, "desc" if direction == "asc" else "asc"
    return _plain(field), direction


def _facet(names: SegmentNames, name: str) -> str:
    """The field to count the values of."""
    if name in _LISTED or _ATTRIBUTE.fullmatch(name):
        return name
    field = names.fields.get(name)
    countable = [known for known, at in names.fields.items() if at.type in (Type.text, Type.boolean, Type.scalar)]
    if field is None or name not in countable:
        raise SegmentFieldUnknown("facets", name, [*_LISTED, "attributes.NAME", *countable])
    return _plain(field)
