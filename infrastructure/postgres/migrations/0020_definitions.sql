-- What people define by a name and change afterwards: tags, segments. As it stands; its past is in the log.
create table definitions (
    kind text not null,
    name text not null,
    status text not null check (status in ('active', 'retired')),
    revision integer not null,
    spec jsonb not null,
    defined_at bigint not null,
    defined_by text not null,
    changed_at bigint not null,
    changed_by text not null,
    primary key (kind, name)
);
