"""The ledger's own tables once more, without its triggers, whose order lock a raw COPY does not take."""

from psycopg import Connection

_KEYS = {"events": "originator_id", "observations": "subject_id"}
_RAW = """
create table raw_{name} (like {name} including defaults including indexes) partition by hash ({key});
do $$ begin
    for part in 0..7 loop
        execute format('create table raw_{name}_p%s partition of raw_{name} for values with (modulus 8, remainder %s)',
                       part, part);
    end loop;
end $$
"""


def raw_table(connection: Connection, name: str) -> None:
    """A table `raw_NAME` with the partitions and indexes of events or observations."""
    connection.execute(_RAW.format(name=name, key=_KEYS[name]).encode())
