"""Text to tokens: only the words and signs that a condition may have, and no deeper than can be parsed."""

import re

from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import Token, TokenType
from sqlglot.tokens import Tokenizer

from domain.tier_model.expression.fault import invalid_at
from domain.tier_model.expression.tree import FUNCTIONS

MAX_CHARACTERS = 10_000
MAX_TOKENS = 2_500
MAX_NESTING = 20

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_NUMBER = re.compile(r"([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NAME = re.compile(r"[^\W\d]\w*")
_ALLOWED = {
    TokenType.VAR,
    TokenType.IDENTIFIER,
    TokenType.STRING,
    TokenType.NUMBER,
    TokenType.AND,
    TokenType.OR,
    TokenType.NOT,
    TokenType.IN,
    TokenType.IS,
    TokenType.NULL,
    TokenType.TRUE,
    TokenType.FALSE,
    TokenType.BETWEEN,
    TokenType.EQ,
    TokenType.NEQ,
    TokenType.LT,
    TokenType.LTE,
    TokenType.GT,
    TokenType.GTE,
    TokenType.PLUS,
    TokenType.DASH,
    TokenType.STAR,
    TokenType.SLASH,
    TokenType.L_PAREN,
    TokenType.R_PAREN,
    TokenType.COMMA,
    TokenType.DOT,
}
_KNOWN = (
    "comparison, and/or/not, between, in, is null, + - * /, coalesce(...), money(1000.00), 'text', numbers and names"
)


class _ConditionTokenizer(Tokenizer):
    """SQLGlot's, with the keywords of conditions alone: every other word is a name."""

    KEYWORDS = {  # noqa: RUF012 - SQLGlot reads a plain class attribute
        "AND": TokenType.AND,
        "OR": TokenType.OR,
        "NOT": TokenType.NOT,
        "IN": TokenType.IN,
        "IS": TokenType.IS,
        "NULL": TokenType.NULL,
        "TRUE": TokenType.TRUE,
        "FALSE": TokenType.FALSE,
        "BETWEEN": TokenType.BETWEEN,
        "==": TokenType.EQ,
        "<>": TokenType.NEQ,
        "!=": TokenType.NEQ,
        "<=": TokenType.LTE,
        ">=": TokenType.GTE,
    }


def tokenise(text: str) -> list[Token]:
    """Checked tokens, ready for SQLGlot's parser: names are quoted, so that none of them means anything to it.

    Raises ConditionInvalid for anything that a condition cannot have, before anything recursive runs.
    """
    if len(text) > MAX_CHARACTERS:
        raise invalid_at(
            text,
            0,
            "it is too long",
            f"A condition has at most {MAX_CHARACTERS:,} characters",
        )
    _refuse_unprintable(text)
    try:
        tokens = _ConditionTokenizer().tokenize(text)
    except TokenError:
        offset = _unclosed(text)
        raise invalid_at(
            text,
            offset,
            "a quote or a comment is not closed",
            "Close it, and write ' in a text as ''",
        ) from None
    _refuse_gaps(text, tokens)
    if not tokens:
        raise invalid_at(text, 0, "it is empty", "Write a condition such as orders >= 3")
    if len(tokens) > MAX_TOKENS:
        raise invalid_at(
            text,
            0,
            "it has too many words",
            f"A condition has at most {MAX_TOKENS:,} words and signs",
        )
    checked = [_checked(text, tokens, index) for index in range(len(tokens))]
    _refuse_depth(text, checked)
    return checked


def _refuse_unprintable(text: str) -> None:
    """Control characters and halves of characters cannot be stored in a fact, nor sent to any database."""
    odd = _UNPRINTABLE.search(text)
    if odd:
        spelled = f"U+{ord(odd.group()):04X}"
        raise invalid_at(text, odd.start(), f"{spelled} is no character of a text", "Remove it", spelled)


def _unclosed(text: str) -> int:
    """Where the quote that is never closed stands."""
    quote, at = "", 0
    for offset, character in enumerate(text):
        if not quote and character in "'\"":
            quote, at = character, offset
        elif character == quote:
            quote = ""
    return at


def _refuse_gaps(text: str, tokens: list[Token]) -> None:
    """What lies between tokens and is not blank is a comment."""
    end = 0
    for token in [*tokens, None]:
        gap = text[end : token.start] if token is not None else text[end:]
        if gap.strip():
            offset = end + len(gap) - len(gap.lstrip())
            raise invalid_at(
                text,
                offset,
                "it has a comment",
                "Remove it; comments belong beside the condition",
            )
        if token is not None:
            end = token.end + 1


def _checked(text: str, tokens: list[Token], index: int) -> Token:
    token = tokens[index]
    following = tokens[index + 1] if index + 1 < len(tokens) else None
    kind, written = token.token_type, text[token.start : token.end + 1]
    calls = following is not None and following.token_type is TokenType.L_PAREN
    if kind not in _ALLOWED or (kind is TokenType.NOT and written == "!"):
        raise invalid_at(
            text,
            token.start,
            f"{written!r} has no place in a condition",
            f"Known are {_KNOWN}",
            written,
        )
    if kind is TokenType.NUMBER:
        _refuse_odd_number(text, token, tokens[index - 1] if index else None, following)
    if kind is TokenType.VAR and calls and written.lower() in FUNCTIONS:
        return Token(kind, written.lower(), token.line, token.col, token.start, token.end)
    if kind in (TokenType.VAR, TokenType.IDENTIFIER):
        if calls:
            known = ", ".join(sorted(FUNCTIONS))
            raise invalid_at(
                text,
                token.start,
                f"there is no function {written}",
                f"Known are {known}",
                written,
            )
        if kind is TokenType.VAR and not _NAME.fullmatch(written):
            raise invalid_at(
                text,
                token.start,
                f"{written!r} is no name",
                'Put an unusual name in "double quotes"',
                written,
            )
        return Token(
            TokenType.IDENTIFIER,
            token.text,
            token.line,
            token.col,
            token.start,
            token.end,
        )
    return token


def _refuse_odd_number(text: str, token: Token, before: Token | None, following: Token | None) -> None:
    """A number that begins with its point comes as two tokens."""
    start = before.start if before is not None and before.token_type is TokenType.DOT else token.start
    glued = following is not None and following.start == token.end + 1 and following.token_type is TokenType.VAR
    if glued or not _NUMBER.fullmatch(text, start, token.end + 1):
        raise invalid_at(
            text,
            token.start,
            "a number is misspelled",
            "Write numbers as 1000 or 0.25",
            token.text,
        )


def _refuse_depth(text: str, tokens: list[Token]) -> None:
    """Parentheses and prefixes nest; a prefix ends with the and, or or comma after it."""
    prefixes = [0]
    for index, token in enumerate(tokens):
        kind = token.token_type
        if kind is TokenType.L_PAREN:
            prefixes.append(0)
        elif kind is TokenType.R_PAREN and len(prefixes) > 1:
            prefixes.pop()
        elif kind is TokenType.NOT or (kind is TokenType.DASH and _is_prefix(tokens, index)):
            prefixes[-1] += 1
        elif kind in (TokenType.AND, TokenType.OR, TokenType.COMMA):
            prefixes[-1] = 0
        if len(prefixes) - 1 + sum(prefixes) > MAX_NESTING:
            raise invalid_at(
                text,
                token.start,
                "it is nested too deeply",
                f"Nest at most {MAX_NESTING} levels",
            )


_OPERAND_ENDS = {
    TokenType.IDENTIFIER,
    TokenType.STRING,
    TokenType.NUMBER,
    TokenType.R_PAREN,
    TokenType.NULL,
    TokenType.TRUE,
    TokenType.FALSE,
}


def _is_prefix(tokens: list[Token], index: int) -> bool:
    return index == 0 or tokens[index - 1].token_type not in _OPERAND_ENDS
