"""One grant as it stands, and what can become of it. Pure: a grant and an instant in, a move out."""

from typing import Any, Literal

import msgspec

from domain.benefits.refusals import GrantEnded, MoreThanLeft, NotInPart, RedeemedTooOften
from domain.benefits.spec import BenefitSpec

GrantStatus = Literal["open", "redeemed", "expired", "revoked", "clawed-back"]
MoveName = Literal["redeemed", "expired", "revoked", "clawed-back", "reclaimed"]

REDEEMED = "user-tier.benefit-redeemed.v1"
REVOKED = "user-tier.benefit-revoked.v1"
EXPIRED = "user-tier.benefit-expired.v1"


class Grant(msgspec.Struct, frozen=True, gc=False):
    """Units of one version of a benefit, promised to one subject. Instants in microseconds; unit_cost in minor units.

    redeemed: used; released: never to be; reclaimed: of the redeemed, taken back. times: redemptions so far.
    """

    grant_id: str
    benefit: str
    version: int
    kind: str
    units: int
    redeemed: int
    released: int
    reclaimed: int
    times: int
    unit_cost: int
    currency: str
    status: GrantStatus
    granted_at: int
    expires_at: int | None
    ended_at: int | None
    cause: str = "command"
    campaign: str = ""
    strategy: str = ""
    assignment_id: str = ""
    run_id: str | None = None

    @property
    def left(self) -> int:
        """Units that can still be redeemed."""
        return self.units - self.redeemed - self.released

    def status_at(self, now: int) -> GrantStatus:
        """Its status at an instant: expired as soon as its end has come, whether or not that is recorded."""
        over = self.status == "open" and self.expires_at is not None and self.expires_at <= now
        return "expired" if over else self.status


class Move(msgspec.Struct, frozen=True):
    """What becomes of a grant, and the event that tells it. units: redeemed or released; reclaimed: taken back besides.

    after: the grant as it then stands.
    """

    name: MoveName
    units: int
    reclaimed: int
    topic: str
    data: dict[str, Any]
    after: Grant


def redeem(grant: Grant, spec: BenefitSpec, units: int | None, now: int, **told: Any) -> Move:
    """units None: all that is left. told: further fields of the event.

    Raises GrantEnded, MoreThanLeft, NotInPart, RedeemedTooOften.
    """
    _require_open(grant, now)
    wanted = grant.left if units is None else units
    if wanted > grant.left:
        raise MoreThanLeft(grant.grant_id, wanted, grant.left)
    if wanted < grant.left and not spec.in_part:
        raise NotInPart(grant.grant_id, wanted, grant.left)
    most = spec.redemption.most_times
    if most is not None and grant.times >= most:
        raise RedeemedTooOften(grant.grant_id, most)
    after = msgspec.structs.replace(grant, redeemed=grant.redeemed + wanted, times=grant.times + 1)
    if after.left == 0:
        after = msgspec.structs.replace(after, status="redeemed", ended_at=now)
    return Move("redeemed", wanted, 0, REDEEMED, _told(grant, wanted, left=after.left, **told), after)


def revoke(grant: Grant, now: int, **told: Any) -> Move:
    """Release what is left. Raises GrantEnded."""
    _require_open(grant, now)
    after = _ended(grant, "revoked", now)
    return Move("revoked", grant.left, 0, REVOKED, _told(grant, grant.left, clawback=False, **told), after)


def expire(grant: Grant) -> Move:
    """Release what is left at its end. The grant is open, and has one."""
    assert grant.expires_at is not None
    after = _ended(grant, "expired", grant.expires_at)
    return Move("expired", grant.left, 0, EXPIRED, _told(grant, grant.left), after)


def claw_back(grant: Grant, now: int, *, reclaim: bool, **told: Any) -> Move | None:
    """Release what is left, and with `reclaim` take back what was redeemed; None when there is nothing of either."""
    released = grant.left if grant.status_at(now) == "open" else 0
    reclaimed = grant.redeemed - grant.reclaimed if reclaim else 0
    if not released and not reclaimed:
        return None
    after = msgspec.structs.replace(grant, reclaimed=grant.reclaimed + reclaimed)
    if grant.status_at(now) == "open":
        after = _ended(after, "clawed-back", now)
    data = _told(grant, released, clawback=True, reclaimed=reclaimed, **told)
    return Move("clawed-back", released, reclaimed, REVOKED, data, after)


def _ended(grant: Grant, status: GrantStatus, at: int) -> Grant:
    released = grant.released + grant.left
    return msgspec.structs.replace(grant, released=released, status=status, ended_at=at)


def _require_open(grant: Grant, now: int) -> None:
    status = grant.status_at(now)
    if status != "open":
        raise GrantEnded(grant.grant_id, status, grant.expires_at if status == "expired" else grant.ended_at)


def _told(grant: Grant, units: int, **further: Any) -> dict[str, Any]:
    return {
        "grant_id": grant.grant_id,
        "benefit": grant.benefit,
        "benefit_version": grant.version,
        "units": units,
        "cost": units * grant.unit_cost,
        "currency": grant.currency,
        **further,
    }
