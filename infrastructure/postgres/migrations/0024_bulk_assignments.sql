-- A strategy for many at once: looked at first, then done, rested, broken off, taken back. A schedule that comes round is one
-- too. state: what is wanted; how far it is, its runs say.
create table bulk_assignments (
    bulk_id uuid primary key,
    strategy text not null references strategies,
    condition text not null,              -- of a segment; empty: the strategy's audience, or users by a list
    by_list boolean not null,
    arm text,                             -- chosen; null: drawn
    reason text not null,
    round bigint,                         -- of a schedule: when it came round
    unknown bigint not null default 0,    -- user ids of the list that nobody has
    unknown_first jsonb not null default '[]',
    requested_by text not null,
    requested_at bigint not null,
    state text not null check (state in ('previewed', 'running', 'paused', 'cancelled', 'reverting')),
    preview_id uuid,
    run_id uuid,
    revert_id uuid
);
create index bulk_assignments_latest on bulk_assignments (requested_at desc, bulk_id);
create unique index bulk_assignments_rounds on bulk_assignments (strategy, round) where round is not null;

-- Of those by a list.
create table bulk_assignment_users (
    bulk_id uuid not null references bulk_assignments on delete cascade,
    subject_id uuid not null references subjects on delete cascade,
    primary key (bulk_id, subject_id)
);
