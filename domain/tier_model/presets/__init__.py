"""Ready models: whole model files to start from, for any scheme, currency and time zone."""

from dataclasses import dataclass
from string import Template

from domain.refusal import Complaint, Refusal
from domain.tier_model.presets import rfm_eight, rfm_eleven, rfm_score
from domain.tier_model.spec import read_model


class PresetUnknown(Refusal):
    """There is no such preset."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no preset {name!r}", Complaint("name", name, f"name one of {', '.join(PRESETS)}"))


@dataclass(frozen=True, slots=True)
class Preset:
    """A model file with $scheme, $currency and $time_zone left open."""

    name: str
    zh_cn: str
    en: str
    text: str


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("rfm-eight-quantile", "RFM 八分群（分位数）", "RFM, eight cells by quantile", rfm_eight.BY_QUANTILE),
        Preset("rfm-eight-mean", "RFM 八分群（均值法）", "RFM, eight cells by mean", rfm_eight.BY_MEAN),
        Preset("rfm-eleven", "RFM 十一分群", "RFM, the map of eleven segments", rfm_eleven.TEXT),
        Preset("rfm-score", "RFM 加权评分卡", "RFM, a weighted scorecard with four tiers", rfm_score.TEXT),
    )
}


def model_text(name: str, *, scheme: str = "rfm", currency: str = "CNY", time_zone: str = "Asia/Shanghai") -> str:
    """The model file of a preset, YAML. Raises PresetUnknown, ModelInvalid for what cannot be put in."""
    preset = PRESETS.get(name)
    if preset is None:
        raise PresetUnknown(name)
    text = Template(preset.text).substitute(scheme=scheme, currency=currency, time_zone=time_zone)
    read_model(text)
    return text
