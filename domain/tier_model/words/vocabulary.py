"""How names and values of one model are said in one language."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from domain.facts.instants import to_datetime
from domain.tier_model.calendar import load_zone
from domain.tier_model.column import Scalar, Type
from domain.tier_model.currency import major_units
from domain.tier_model.names import types_of
from domain.tier_model.spec import Length, TierModelSpec
from domain.tier_model.words.catalogue import CATALOGUES, Language, phrase

_CHINESE_CURRENCIES = {"CNY": "元", "USD": "美元", "EUR": "欧元", "JPY": "日元", "HKD": "港元", "GBP": "英镑"}


@dataclass(frozen=True)
class Vocabulary:
    """One model in one language."""

    spec: TierModelSpec
    language: Language

    def say(self, key: str, **values: object) -> str:
        """A phrase of the catalogue."""
        return phrase(self.language, key, **values)

    def label(self, name: str) -> str | None:
        """The model's own name for people, of a tier, a feature, a score or the scheme; None: it gives none."""
        label = self.spec.labels.get(name)
        if label is None:
            return None
        return label.zh_cn or label.en if self.language == "zh-CN" else label.en or label.zh_cn

    def tier(self, tier: str) -> str:
        """A tier's name for people, or its name."""
        return self.label(tier) or tier

    def kind(self, kind: str) -> str:
        """Facts of a kind."""
        return CATALOGUES[self.language].get(f"kind {kind}", kind)

    def length(self, length: Length) -> str:
        """30 days."""
        return self.counted(length.unit, length.count)

    def counted(self, unit: str, count: int) -> str:
        """So many of a unit (day, week, month, year, rung)."""
        return self.say(unit if count == 1 else f"{unit}s", count=f"{count:,}")

    def date(self, instant: int) -> str:
        """The local date of an instant, with the time of day where it is not a midnight."""
        local = to_datetime(instant).astimezone(self._zone)
        chinese = self.language == "zh-CN"
        day = f"{local.year}年{local.month}月{local.day}日" if chinese else f"{local.day} {local:%B} {local.year}"
        if (local.hour, local.minute, local.second) == (0, 0, 0):
            return day
        return f"{day}{local:%H:%M}" if chinese else f"{day}, {local:%H:%M}"

    def joined(self, parts: Iterable[str], by: str) -> str:
        """Parts with what stands between them: comma, and, or."""
        return self.say(by).join(parts)

    def of_name(self, name: str, value: Scalar) -> str:
        """A value of a feature, a score or something outside."""
        return self.value(value, self._types.get(name))

    def value(self, value: Scalar, type_: Type | None) -> str:
        """A plain value; money in minor units."""
        if value is None:
            return self.say("nothing")
        if isinstance(value, bool):
            return self.say("yes" if value else "no")
        if isinstance(value, str):
            return self.say("quoted", text=value)
        if type_ is Type.money:
            return self.money(round(value))
        return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"

    def type_of(self, name: str) -> Type | None:
        """What a name of the model holds; None: it is none of its own."""
        return self._types.get(name)

    def money(self, minor: int) -> str:
        """An amount in minor units."""
        whole, dot, rest = major_units(abs(minor), self.spec.currency).partition(".")
        amount = f"{'-' if minor < 0 else ''}{int(whole):,}{dot}{rest}"
        currency = self.spec.currency
        if self.language == "zh-CN":
            currency = _CHINESE_CURRENCIES.get(currency, currency)
        return self.say("money", amount=amount, currency=currency)

    @cached_property
    def _types(self) -> dict[str, Type]:
        return types_of(self.spec)

    @cached_property
    def _zone(self) -> ZoneInfo:
        return load_zone(self.spec.time_zone)
