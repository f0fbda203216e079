"""What the presets share: the three features of RFM, and the names of what they are made of."""

HEAD = """\
scheme: $scheme
dimension: value
time_zone: $time_zone
currency: $currency
"""

FEATURES = """\
features:                     # over one year; whoever ordered before that only is known by recency alone
  recency:   {days_since: order}
  frequency: {count: order, within: 365 days}
  spend:     {sum: order.amount, minus: refund.amount, within: 365 days}
"""

LABELS = """\
  recency:    {zh-CN: 距上次下单天数, en: Days since the last order}
  frequency:  {zh-CN: 近一年订单数, en: Orders in a year}
  spend:      {zh-CN: 近一年净消费额, en: Net spend in a year}
  r:          {zh-CN: 近度得分, en: Recency score}
  f:          {zh-CN: 频度得分, en: Frequency score}
  m:          {zh-CN: 额度得分, en: Spend score}
"""
