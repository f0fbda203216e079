"""Small models to lint, and what lint tells of them."""

from collections.abc import Mapping

from domain.tier_model.lint import lint_text
from domain.tier_model.spec import TierModelSpec

HEAD = "scheme: mine\ndimension: value\ntime_zone: Asia/Shanghai\ncurrency: CNY\n"
FEATURES = """\
features:
  orders: {count: order, within: 90 days}
  orders_30: {count: order, within: 30 days}
  spend: {sum: order.amount, within: 90 days}
  net: {sum: order.amount, minus: refund.amount, within: 90 days}
  basket: {avg: order.amount, within: 90 days}
  recency: {days_since: order}
  coupons: {share: order, of: "channel = 'coupon'"}
  city: {latest: profile.city}
  interest: {top: order.lines.category}
"""


def ladder(*rules: str, rest: str = "") -> str:
    """An ordered model with a tier for each rule, easiest first: t1, t2, ... above base."""
    tiers = [f"t{number}" for number in range(1, len(rules) + 1)]
    lines = "".join(f"  {tier}: {rule}\n" for tier, rule in zip(tiers, rules, strict=True))
    return f"{HEAD}tiers: [{', '.join(['base', *tiers])}]\n{FEATURES}{rest}rules:\n{lines}"


def told(
    text: str, others: Mapping[str, TierModelSpec] | None = None, history_days: int | None = None
) -> list[tuple[str, str, str]]:
    """(severity, path, message and remedy) of each fault."""
    return [
        (fault.severity, fault.path, f"{fault.message}. {fault.remedy}")
        for fault in lint_text(text, others, history_days=history_days)
    ]
