-- Long work that answers a question: previews of a version, verifications. Done in parts, by any number of processes.
create table runs (
    run_id uuid primary key,
    kind text not null,
    parameters jsonb not null,            -- what was asked
    requested_by text not null,
    requested_at bigint not null
);
create index runs_latest on runs (kind, requested_at desc);

-- A part is worked on by one holder at a time; who does not answer loses it, and another goes on after `after`.
create table run_parts (
    run_id uuid not null references runs on delete cascade,
    part integer not null,
    state text not null default 'waiting' check (state in ('waiting', 'done', 'failed')),
    done bigint not null default 0,
    total bigint not null default 0,
    after uuid,                           -- the last subject that is done
    result jsonb not null default '{}',
    error text not null default '',
    holder uuid,
    lease_until timestamptz,
    primary key (run_id, part)
);
create index run_parts_waiting on run_parts (run_id, part) where state = 'waiting';

-- What was found about single subjects, unreadable once the subject's key is gone.
create table run_findings (
    run_id uuid not null references runs on delete cascade,
    part integer not null,
    number integer not null,
    subject_id uuid not null references subjects on delete cascade,
    sealed bytea not null,
    primary key (run_id, part, number)
);
