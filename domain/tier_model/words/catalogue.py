"""The phrases of every language: one catalogue a language, with the same keys and the same places to fill in."""

from collections.abc import Mapping
from typing import Literal, get_args

from domain.tier_model.words.chinese import CHINESE
from domain.tier_model.words.english import ENGLISH

Language = Literal["zh-CN", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

CATALOGUES: Mapping[Language, Mapping[str, str]] = {"zh-CN": CHINESE, "en": ENGLISH}


def phrase(language: Language, key: str, **values: object) -> str:
    """One phrase, filled in. Raises KeyError for a key or value that is not there."""
    return CATALOGUES[language][key].format(**values)
