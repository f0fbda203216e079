"""The map of eleven segments over recency, and frequency and spend together, made disjoint and complete.

The map as it is known (published by Putler, putler.com/rfm-analysis, and repeated by many) gives every segment a
range of R and a range of the mean of F and M; the ranges overlap, and leave cells out. Here each cell has one segment,
one of those in whose published range it lies (the mean rounded down):

    f + m      2-3 (mean 1)      4-5 (2)              6-7 (3)      8-10 (4, 5)
    r = 5      new               potential loyalists  loyal        champions
    r = 4      promising         potential loyalists  loyal        champions
    r = 3      about to sleep    need attention       loyal        loyal
    r = 2      hibernating       about to sleep       at risk      at risk
    r = 1      lost              hibernating          at risk      cannot lose
"""

from domain.tier_model.presets.rfm_parts import FEATURES, HEAD, LABELS

TEXT = (
    """\
# RFM, the map of eleven segments 十一分群. r, and f + m, each cell in one segment:
#
#   f + m    2-3               4-5                   6-7        8-10
#   r = 5    new               potential loyalists   loyal      champions
#   r = 4    promising         potential loyalists   loyal      champions
#   r = 3    about to sleep    need attention        loyal      loyal
#   r = 2    hibernating       about to sleep        at risk    at risk
#   r = 1    lost              hibernating           at risk    cannot lose
"""
    + HEAD
    + """\
unordered: true
default: no_order             # the twelfth: nobody who ever ordered
tiers:
  - champions
  - loyal
  - potential_loyalists
  - new_customers
  - promising
  - need_attention
  - about_to_sleep
  - at_risk
  - cannot_lose
  - hibernating
  - lost
  - no_order
"""
    + FEATURES
    + """\
scores:
  r: {of: recency,   bins: 5, best: low,  cuts: fitted}
  f: {of: frequency, bins: 5, best: high, cuts: fitted}
  m: {of: spend,     bins: 5, best: high, cuts: fitted}
rules:
  champions:           "r >= 4 and f + m >= 8"
  loyal:               "r >= 3 and f + m between 6 and 7 or r = 3 and f + m >= 8"
  potential_loyalists: "r >= 4 and f + m between 4 and 5"
  new_customers:       "r = 5 and f + m <= 3"
  promising:           "r = 4 and f + m <= 3"
  need_attention:      "r = 3 and f + m between 4 and 5"
  about_to_sleep:      "r = 3 and f + m <= 3 or r = 2 and f + m between 4 and 5"
  at_risk:             "r <= 2 and f + m between 6 and 7 or r = 2 and f + m >= 8"
  cannot_lose:         "r = 1 and f + m >= 8"
  hibernating:         "r = 2 and f + m <= 3 or r = 1 and f + m between 4 and 5"
  lost:                "r = 1 and f + m <= 3"
labels:
  $scheme:    {zh-CN: RFM 十一分群, en: RFM segments}
  champions:           {zh-CN: 冠军客户, en: Champions}
  loyal:               {zh-CN: 忠诚客户, en: Loyal customers}
  potential_loyalists: {zh-CN: 潜在忠诚客户, en: Potential loyalists}
  new_customers:       {zh-CN: 新客户, en: New customers}
  promising:           {zh-CN: 有潜力客户, en: Promising}
  need_attention:      {zh-CN: 需关注客户, en: Need attention}
  about_to_sleep:      {zh-CN: 即将沉睡客户, en: About to sleep}
  at_risk:             {zh-CN: 流失风险客户, en: At risk}
  cannot_lose:         {zh-CN: 不能流失客户, en: Cannot lose them}
  hibernating:         {zh-CN: 沉睡客户, en: Hibernating}
  lost:                {zh-CN: 已流失客户, en: Lost}
  no_order:            {zh-CN: 未下单用户, en: Never ordered}
"""
    + LABELS
)
