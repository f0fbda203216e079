"""The eight cells of RFM: each of the three scores is high or low."""

from domain.tier_model.presets.rfm_parts import FEATURES, HEAD, LABELS

_TIERS = """\
unordered: true               # classes, not a ladder: a user is in the cell that they are in
default: general_win_back     # r, f and m low, and whoever has never ordered
tiers:
  - important_value
  - important_growth
  - important_retain
  - important_win_back
  - general_value
  - general_growth
  - general_retain
  - general_win_back
"""

_RULES = """\
rules:
  important_value:    "{r_high} and {f_high} and {m_high}"
  important_growth:   "{r_high} and {f_low} and {m_high}"
  important_retain:   "{r_low} and {f_high} and {m_high}"
  important_win_back: "{r_low} and {f_low} and {m_high}"
  general_value:      "{r_high} and {f_high} and {m_low}"
  general_growth:     "{r_high} and {f_low} and {m_low}"
  general_retain:     "{r_low} and {f_high} and {m_low}"
labels:
  $scheme:    {{zh-CN: RFM 八分群, en: RFM cells}}
  important_value:    {{zh-CN: 重要价值客户, en: Important value}}
  important_growth:   {{zh-CN: 重要发展客户, en: Important growth}}
  important_retain:   {{zh-CN: 重要保持客户, en: Important retain}}
  important_win_back: {{zh-CN: 重要挽留客户, en: Important win-back}}
  general_value:      {{zh-CN: 一般价值客户, en: General value}}
  general_growth:     {{zh-CN: 一般发展客户, en: General growth}}
  general_retain:     {{zh-CN: 一般保持客户, en: General retain}}
  general_win_back:   {{zh-CN: 一般挽留客户, en: General win-back}}
"""


def _rules(high: str, low: str) -> str:
    """high, low: what follows the score's name."""
    return _RULES.format(
        **{f"{score}_{level}": f"{score} {test}" for score in "rfm" for level, test in (("high", high), ("low", low))}
    )


BY_QUANTILE = (
    "# RFM, eight cells by quantile 八分群（分位数）: five bins of equal size on the day of fitting, 4 and 5 high.\n"
    + HEAD
    + _TIERS
    + FEATURES
    + """\
scores:
  r: {of: recency,   bins: 5, best: low,  cuts: fitted}
  f: {of: frequency, bins: 5, best: high, cuts: fitted}
  m: {of: spend,     bins: 5, best: high, cuts: fitted}
"""
    + _rules(">= 4", "< 4")
    + LABELS
)

BY_MEAN = (
    "# RFM, eight cells by mean 八分群（均值法）: above the mean on the day of fitting is high (recency: below).\n"
    + HEAD
    + _TIERS
    + FEATURES
    + """\
scores:
  r: {of: recency,   bins: 2, best: low,  cuts: fitted, fit: mean}
  f: {of: frequency, bins: 2, best: high, cuts: fitted, fit: mean}
  m: {of: spend,     bins: 2, best: high, cuts: fitted, fit: mean}
"""
    + _rules("= 2", "= 1")
    + LABELS
)
