"""A weighted scorecard: the three scores of RFM add up to one number, and that makes a ladder."""

from domain.tier_model.presets.rfm_parts import FEATURES, HEAD, LABELS

TEXT = (
    "# RFM, a weighted scorecard 加权评分卡: total = 2 r + 3 f + 5 m, from 10 to 50. Change the weights to your own.\n"
    + HEAD
    + """\
tiers: [member, silver, gold, diamond]
"""
    + FEATURES
    + """\
scores:
  r: {of: recency,   bins: 5, best: low,  cuts: fitted}
  f: {of: frequency, bins: 5, best: high, cuts: fitted}
  m: {of: spend,     bins: 5, best: high, cuts: fitted}
  total: {weighted: {r: 2, f: 3, m: 5}, missing: 0}   # without an order, r counts as 0
rules:
  # Kept a little below where they are entered: whoever wavers around a bound does not waver between tiers.
  diamond: {enter: "total >= 44", keep: "total >= 41"}
  gold:    {enter: "total >= 36", keep: "total >= 33"}
  silver:  {enter: "total >= 24", keep: "total >= 21"}
policy:
  upgrade: immediate
  downgrade: {review: quarterly, grace: 30 days, steps: 1}
labels:
  $scheme:    {zh-CN: RFM 评分分层, en: RFM scorecard}
  member:     {zh-CN: 普通会员, en: Member}
  silver:     {zh-CN: 白银会员, en: Silver}
  gold:       {zh-CN: 黄金会员, en: Gold}
  diamond:    {zh-CN: 钻石会员, en: Diamond}
  total:      {zh-CN: 综合得分, en: Total score}
"""
    + LABELS
)
