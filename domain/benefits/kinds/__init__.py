"""What kinds of benefits there are: a folder and a line each."""

from domain.benefits.kinds.coupon import COUPON
from domain.benefits.kinds.custom import CUSTOM
from domain.benefits.kinds.free_shipping import FREE_SHIPPING
from domain.benefits.kinds.gift import GIFT
from domain.benefits.kinds.kind import Kind
from domain.benefits.kinds.points import POINTS
from domain.benefits.kinds.price import PRICE
from domain.benefits.kinds.priority_service import PRIORITY_SERVICE

KINDS: dict[str, Kind] = {
    kind.name: kind for kind in (COUPON, POINTS, FREE_SHIPPING, PRICE, PRIORITY_SERVICE, GIFT, CUSTOM)
}
