"""What a model and its decisions say to people, in Chinese and English. Pure: from the parsed tree and the values.

`ModelWords` says a version (its tiers, conditions, windows, policy); `reasons` says one standing (why, what next, what
would make it drop).
"""

from domain.tier_model.words.catalogue import LANGUAGES, Language
from domain.tier_model.words.model import ModelWords
from domain.tier_model.words.reasons import Came, Fall, Place, Reasons, reasons

__all__ = ["LANGUAGES", "Came", "Fall", "Language", "ModelWords", "Place", "Reasons", "reasons"]
