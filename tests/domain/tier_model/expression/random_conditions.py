"""Random conditions: as text, and as plain tuples that are read naively, row by row (naive.py); and random rows."""

import math
from typing import Any

from hypothesis import strategies as st

from domain.tier_model.column import Column, Type, column_of

NAMES = {
    "a": Type.integer,
    "b": Type.integer,
    "x": Type.number,
    "t": Type.text,
    "u": Type.text,
    "f": Type.boolean,
    "s": Type.scalar,
    "spend": Type.money,
    "basket": Type.money,  # an average: a fraction of minor units
    "tier.value": Type.text,
}
TAGS = ("vip", "it's new", "${env:HOME}")
_LIMIT = 2**63

integers = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([2**53, 2**53 + 1, -(2**53) - 1, _LIMIT - 1, -_LIMIT + 1]),
    st.integers(-_LIMIT + 1, _LIMIT - 1),
)
floats = st.one_of(
    st.sampled_from([0.0, -0.0, 0.5, -1.0, 2.0, 2.5, 5e-324, 1e300, -1e300, 1.7976931348623157e308]),
    st.sampled_from([2.0**53, 2.0**53 + 2, 2.0**62, 2.0**63 - 1024, 2.0**63, -(2.0**63), 2.0**64]),
    st.floats(allow_nan=False, allow_infinity=False),
)
texts = st.sampled_from(
    [
        "",
        "a",
        "b",
        "B",
        "a ",
        "it's",
        '"',
        "\\",
        "a\\",
        "\\'",
        "${env:HOME}",
        "%",
        "\n",
        "高",
        "\ud7ff",
        "\ue000",
        "\uffee",
        "\U0001f600",
    ]
)
_VALUES = {
    Type.integer: integers,
    Type.money: integers,
    Type.number: floats,
    Type.text: texts,
    Type.boolean: st.booleans(),
}
# A row holds more than can be written: the least int64, and numbers that are none.
_held_integers = st.one_of(integers, st.just(-_LIMIT))
_held_floats = st.one_of(floats, st.sampled_from([math.nan, math.inf, -math.inf]))
_HELD = {**_VALUES, Type.integer: _held_integers, Type.money: _held_integers, Type.number: _held_floats}
_HELD[Type.scalar] = st.one_of(_held_integers, _held_floats, texts, st.booleans())


def rows() -> st.SearchStrategy[dict[str, Any]]:
    """A value, or null, for every name."""
    held = {name: _HELD[type_] for name, type_ in NAMES.items()} | {"basket": _held_floats}
    return st.fixed_dictionaries({name: st.one_of(st.none(), values) for name, values in held.items()})


def tag_sets() -> st.SearchStrategy[list[str]]:
    """The tags of a row."""
    return st.lists(st.sampled_from(TAGS), unique=True)


def columns_of(given: list[dict[str, Any]]) -> dict[str, Column]:
    """The rows as columns."""
    return {name: column_of([row[name] for row in given], type_) for name, type_ in NAMES.items()}


# ------------------------------------------------------------------------------------------------------ what is written


def _leaf(kind: str) -> st.SearchStrategy[Any]:
    names = [
        name
        for name, type_ in NAMES.items()
        if type_ in {"number": (Type.integer, Type.number, Type.scalar), "text": (Type.text, Type.scalar)}[kind]
    ]
    literals = {"number": st.one_of(integers, floats), "text": texts}[kind]
    return st.one_of(
        st.sampled_from(names).map(lambda name: ("name", name)),
        literals.map(lambda value: ("value", value)),
        st.just(("value", None)),
    )


def _number(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.tuples(st.sampled_from("+-*/"), children, children).filter(
            lambda part: part[0] != "/" or not _is_plain_zero(part[2])
        ),
        st.tuples(st.just("neg"), children),
        st.lists(children, min_size=1, max_size=3).map(lambda options: ("coalesce", options)),
    )


def _is_plain_zero(part: Any) -> bool:
    """Dividing by it is refused."""
    return _is_plain_zero(part[1]) if part[0] == "neg" else part[0] == "value" and part[1] == 0


numbers = st.recursive(_leaf("number"), _number, max_leaves=5)
_words = st.one_of(_leaf("text"), st.lists(_leaf("text"), min_size=1, max_size=3).map(lambda each: ("coalesce", each)))
_scalar = st.just(("name", "s"))
_operators = st.sampled_from(["=", "<>", "<", "<=", ">", ">="])
_money = st.recursive(
    st.one_of(
        st.sampled_from([("name", "spend"), ("name", "basket")]),
        st.integers(-(10**6), 10**6).map(lambda cents: ("money", cents)),
        st.just(("value", None)),
    ),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from("+-"), inner, inner),
        st.tuples(st.sampled_from("*/"), inner, st.sampled_from([("name", "a"), ("name", "x"), ("value", 3)])),
        st.tuples(st.just("neg"), inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda options: ("coalesce", options)),
    ),
    max_leaves=3,
)
_truth = st.one_of(
    st.just(("name", "f")),
    st.sampled_from([("value", True), ("value", False), ("value", None)]),
    st.sampled_from([("tag", name) for name in TAGS]),
    st.just(("name", "s")),
)
_truths = st.one_of(_truth, st.lists(_truth, min_size=1, max_size=3).map(lambda options: ("coalesce", options)))
_comparisons = st.one_of(
    st.tuples(_operators, numbers, numbers),
    st.tuples(_operators, _words, _words),
    st.tuples(_operators, _money, _money),
    st.tuples(_operators, _scalar, st.one_of(numbers, _words)),
    st.tuples(st.sampled_from(["=", "<>"]), _truths, _truths),
    st.tuples(st.just("in"), numbers, st.lists(_leaf("number"), min_size=1, max_size=3)),
    st.tuples(st.just("in"), _words, st.lists(_words, min_size=1, max_size=3)),
    st.tuples(st.just("in"), _truth, st.lists(_truth, min_size=1, max_size=3)),
    st.tuples(st.just("between"), numbers, numbers, numbers),
    st.tuples(st.just("is null"), st.one_of(numbers, _words, _truths)),
)
conditions = st.recursive(
    st.one_of(_comparisons, _truths),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
        st.tuples(st.just("is null"), inner),
        st.tuples(st.sampled_from(["=", "<>"]), inner, _truths),
    ),
    max_leaves=8,
)
# What a search can do: one field against fixed values.
_fields = {
    kind: st.sampled_from([("name", name) for name, type_ in NAMES.items() if type_ in types])
    for kind, types in {
        "number": (Type.integer, Type.number, Type.scalar),
        "text": (Type.text, Type.scalar),
        "truth": (Type.boolean, Type.scalar),
        "money": (Type.money,),
    }.items()
}
_fixed_numbers = st.one_of(integers, floats).map(lambda value: ("value", value))
_fixed_or_null = st.one_of(_fixed_numbers, st.just(("value", None)))
_fixed_texts = texts.map(lambda value: ("value", value))
searches = st.recursive(
    st.one_of(
        st.tuples(_operators, _fields["number"], _fixed_numbers),
        st.tuples(_operators, _fixed_numbers, _fields["number"]),
        st.tuples(_operators, _fields["text"], _fixed_texts),
        st.tuples(_operators, _fields["money"], st.integers(-300, 300).map(lambda cents: ("money", cents))),
        st.tuples(st.just("in"), _fields["number"], st.lists(_fixed_or_null, min_size=1, max_size=3)),
        st.tuples(st.just("in"), _fields["text"], st.lists(_fixed_texts, min_size=1, max_size=3)),
        st.tuples(st.just("between"), _fields["number"], _fixed_numbers, _fixed_numbers),
        st.tuples(st.just("is null"), st.sampled_from([("name", name) for name in NAMES])),
        st.tuples(st.sampled_from(["=", "<>"]), _fields["truth"], st.booleans().map(lambda value: ("value", value))),
        _fields["truth"],
        st.sampled_from([*(("tag", name) for name in TAGS), ("value", True), ("value", None)]),
    ),
    lambda inner: st.one_of(
        st.tuples(st.just("not"), inner),
        st.tuples(st.sampled_from(["and", "or"]), st.lists(inner, min_size=2, max_size=3)),
    ),
    max_leaves=8,
)


def written(part: Any) -> str:
    """The condition as a user may write it, every part in parentheses."""
    match part:
        case ("name", name):
            return str(name)
        case ("tag", name):
            return f"tag({_literal(name)})"
        case ("money", cents):
            return f"money({'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d})"
        case ("value", value):
            return _literal(value)
        case ("neg", inner):
            return f"(- {written(inner)})"
        case ("coalesce", options):
            return f"coalesce({', '.join(map(written, options))})"
        case ("in", inner, options):
            return f"({written(inner)} in ({', '.join(map(written, options))}))"
        case ("between", inner, low, high):
            return f"({written(inner)} between {written(low)} and {written(high)})"
        case ("is null", inner):
            return f"({written(inner)} is null)"
        case ("not", inner):
            return f"(not {written(inner)})"
        case ("and" | "or" as word, parts):
            return "(" + f" {word} ".join(map(written, parts)) + ")"
        case (operator, left, right):
            return f"({written(left)} {operator} {written(right)})"
    raise AssertionError(part)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "TRUE", False: "false"}[value]
    return f"(- {abs(value)!r})" if value < 0 or str(value) == "-0.0" else repr(value)


def number_edges() -> tuple[list[Any], list[tuple[dict[str, Any], list[str]]]]:
    """Not random: conditions and rows of whole numbers beside fractions, where rounding one of them would tell."""
    whole = [
        0,
        1,
        2**53 - 1,
        2**53,
        2**53 + 1,
        2**62 + 1,
        2**63 - 1025,
        2**63 - 1024,
        2**63 - 1,
        -(2**53) - 1,
        1 - 2**63,
    ]
    real = [
        0.0,
        -0.0,
        5e-324,
        0.5,
        2.0**53,
        2.0**53 + 2,
        2.0**62,
        2.0**63 - 1024,
        2.0**63,
        -(2.0**53),
        -(2.0**63),
        1e300,
    ]
    nulls: dict[str, Any] = dict.fromkeys(NAMES)
    pairs = [(a, x) for a in [*whole, -(2**63), None] for x in [*real, math.nan, None]]
    held = [(nulls | {"a": a, "x": x, "s": x if number % 2 else a}, []) for number, (a, x) in enumerate(pairs)]
    operators = ["=", "<>", "<", "<=", ">", ">="]
    fields = [(op, ("name", mine), ("name", other)) for op in operators for mine, other in ("ax", "xa", "as", "sx")]
    constants = [(op, ("name", name), ("value", n)) for op in operators for name in "axs" for n in [*whole, *real]]
    return [*fields, *constants], held
