"""Growth value that was granted or taken back, read from the log's tail."""

from psycopg import Connection

from application.benefits.reacting import Grown, Seen
from domain.benefits.grant import REVOKED
from domain.benefits.granting import GRANTED
from domain.benefits.growth import SOURCE
from infrastructure.benefits.grant_rows import COLUMNS, grant_of, uuid_of
from infrastructure.event_store.tail import PARTITIONS, LogTail
from projections.records import EventRecord

_ANY = "select exists (select from benefits where spec -> 'details' ->> 'of' = 'growth')"
_GROWN = f"""
select b.spec -> 'details' ->> 'fact_kind', exists (
    select from facts f
    where f.subject_id = g.subject_id and f.source = %b and f.fact_id = replace(g.grant_id::text, '-', '')
), {COLUMNS}
from grants g join benefits b on b.benefit = g.benefit and b.version = g.benefit_version
where g.grant_id = any(%b) and b.spec -> 'details' ->> 'of' = 'growth'
"""


def read_growth(connection: Connection, tail: LogTail, after: int, limit: int) -> Seen:
    """Grown, in the log's order. What was taken back before anything was recorded of it is passed over, and so is what
    somebody has redeemed a part of."""
    head = tail.head()  # before the look for benefits: what is granted later stands behind it
    row = connection.execute(_ANY).fetchone()
    if row is None or not row[0]:
        return Seen((), head, False)
    batch = tail.read(range(PARTITIONS), after, limit, observations=False)
    events = [
        record
        for record in batch.records
        if isinstance(record, EventRecord) and record.topic in (GRANTED, REVOKED) and record.user_ids
    ]
    ids = list({uuid_of(event.data["grant_id"]) for event in events})
    rows = connection.execute(_GROWN, (SOURCE, ids), binary=True).fetchall() if ids else []
    found = {grant.grant_id: (kind, known, grant) for kind, known, grant in ((a, b, grant_of(c)) for a, b, *c in rows)}
    grown = []
    for event in events:
        if event.data["grant_id"] not in found:
            continue
        kind, known, grant = found[event.data["grant_id"]]
        taken_back = grant.status in ("revoked", "clawed-back") and not grant.redeemed
        if (known and taken_back) if event.topic == REVOKED else not taken_back:
            grown.append(Grown(event.user_ids[0], grant, kind, taken_back))
    return Seen(grown, batch.position, batch.position < batch.head)
