-- Pins from the set rank on wait here for a second person. What comes of it is an event of the user.
create table override_requests (
    request_id uuid primary key,
    subject_id uuid not null references subjects on delete cascade,
    user_id text not null,                -- as asked for
    scheme text not null,
    scope text not null,
    mode text not null,
    tier text not null,
    until bigint,
    reason text not null,
    requested_by text not null,
    requested_at bigint not null,
    command_id text not null,
    status text not null default 'waiting' check (status in ('waiting', 'approved', 'rejected')),
    decided_by text,
    decided_at bigint,
    note text not null default ''
);
create index override_requests_latest on override_requests (requested_at desc, request_id);
create index override_requests_waiting on override_requests (subject_id) where status = 'waiting';

-- The standings that were taken over from the programme before. digest: of what the import said.
create table openings (
    subject_id uuid not null references subjects on delete cascade,
    scheme text not null,
    scope text not null,
    digest bytea not null,
    imported_at bigint not null,
    actor text not null,
    primary key (subject_id, scheme, scope)
);
