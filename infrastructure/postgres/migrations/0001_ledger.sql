-- The ledger: identities, fact log, event log, observations, and what the workers need beside them.
-- Instants are bigint microseconds since the Unix epoch, UTC. Positions come from one sequence, taken under one lock.

-- ---------------------------------------------------------------------------------------------------- order and time

create sequence positions as bigint;

-- Position order is commit order because every position is taken under this lock, which only a commit releases.
create function tierline_order_lock() returns void language sql as
$$ select pg_advisory_xact_lock(7305, 1) $$;

-- Singleton. manual: the clock stands still but for writes and PUT /v1/clock.
create table clock (
    only_row boolean primary key default true check (only_row),
    manual boolean not null default false
);
insert into clock default values;
-- The highest instant handed out. A sequence, so that reading it never waits for another transaction.
create sequence clock_floor as bigint minvalue 0 start 0;

create function tierline_peek() returns bigint language plpgsql volatile as $$
declare
    reached bigint;
begin
    select last_value into reached from clock_floor;
    if (select manual from clock) then
        return reached;
    end if;
    return greatest(reached, (extract(epoch from clock_timestamp()) * 1000000)::bigint);
end $$;

create function tierline_now() returns bigint language plpgsql volatile as $$
declare
    instant bigint;
begin
    if (select manual from clock) then
        return nextval('clock_floor');
    end if;
    instant := tierline_peek();
    -- Two sessions may race here; each subject's own last_instant keeps its order all the same.
    if instant > (select last_value from clock_floor) then
        perform setval('clock_floor', instant);
    end if;
    return instant;
end $$;

-- ----------------------------------------------------------------------------------------------------------- subjects

-- Destroying a row here makes everything sealed for the subject unreadable.
create table subjects (
    subject_id uuid primary key,
    data_key bytea not null,              -- wrapped by the master key
    master_key_id text not null,
    created_at bigint not null
);

create table user_ids (
    user_id text primary key,
    subject_id uuid not null references subjects on delete cascade
);
create index user_ids_by_subject on user_ids (subject_id);

-- The one row that everybody locks who writes for a subject.
create table timelines (
    subject_id uuid primary key,
    due_at bigint,                        -- the next instant to decide; null: none, or an open history session
    generation bigint not null default 0, -- the last activation applied (activations.generation)
    last_instant bigint not null,         -- the last known_at or command instant
    last_position bigint not null default 0, -- of the last fact, command or activation
    decided_at bigint,                    -- the last instant up to which everything is decided
    stream_version integer not null default 0,
    facts integer not null default 0,
    chain bytea not null,                 -- running hash over the fact rows, in position order
    history_id uuid                       -- the open history session the subject belongs to
) with (fillfactor = 70);
create index timelines_due on timelines (due_at) where due_at is not null;
create index timelines_by_generation on timelines (generation) where history_id is null;
create index timelines_by_history on timelines (history_id, subject_id) where history_id is not null;

-- -------------------------------------------------------------------------------------------------------------- facts

create table facts (
    subject_id uuid not null,
    position bigint not null default nextval('positions'),
    source text not null,
    fact_id text not null,
    kind text not null,
    occurred_at bigint not null,
    known_at bigint not null,
    amount bigint,                        -- minor units
    currency text,
    sealed bytea,                         -- attributes and lines
    content_hash bytea not null,          -- keyed: tells nothing once the subject's key is gone
    chain bytea not null,
    history_id uuid,
    primary key (subject_id, source, fact_id)
) partition by hash (subject_id);

create table fact_kinds (
    kind text primary key,
    definition jsonb not null,
    registered_at bigint not null
);

create table history_sessions (
    history_id uuid primary key,
    opened_at bigint not null,
    sealed_at bigint,                     -- the seal's instant; its subjects are decided from then on
    sealed_position bigint,
    generation bigint,                    -- the activations in force at sealing
    opened_by text not null,
    sealed_by text
);

-- ------------------------------------------------------------------------------------------------------------- events

create table events (
    originator_id uuid not null,
    originator_version integer not null,
    position bigint not null default nextval('positions'),
    topic text not null,
    scheme text not null default '',
    scope text not null default '',
    from_tier text,
    to_tier text,
    effective_at bigint not null,
    recorded_at bigint not null,
    actor text not null default '',
    command_id text not null default '',
    causation text not null default '',
    state bytea not null,                 -- sealed for subjects, plain for models
    primary key (originator_id, originator_version)
) partition by hash (originator_id);

-- The one current row of a subject. Written in the transaction of every decision.
create table observations (
    subject_id uuid primary key,
    position bigint not null default nextval('positions'),
    through bigint not null,              -- position of the last fact, command or activation decided
    decided_at bigint not null,
    due_at bigint,
    body bytea not null                   -- sealed
) partition by hash (subject_id);

do $$
begin
    for part in 0..7 loop
        execute format('create table facts_p%s partition of facts for values with (modulus 8, remainder %s)', part, part);
        execute format('create table events_p%s partition of events for values with (modulus 8, remainder %s)', part, part);
        execute format('create table observations_p%s partition of observations for values with (modulus 8, remainder %s)'
                       ' with (fillfactor = 70)', part, part);
    end loop;
end $$;
create index facts_by_position on facts using brin (position);
create index events_by_position on events (position);
create index observations_by_position on observations (position);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% on % refused: what is recorded never changes', tg_op, tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger events_never_change before update or delete on events for each row execute function refuse_change();
create trigger events_never_truncated before truncate on events for each statement execute function refuse_change();

-- -------------------------------------------------------------------------------------------------------- tier models

create table tier_models (
    scheme text not null,
    version integer not null,
    status text not null check (status in ('draft', 'fitted', 'active', 'retired')),
    spec jsonb not null,                  -- canonical spec, fitted cuts inside
    content_hash text not null,
    created_at bigint not null,
    created_by text not null,
    primary key (scheme, version)
);

-- What was in force when. A generation is one activation.
create sequence generations as bigint;
create table activations (
    generation bigint primary key,
    scheme text not null,
    version integer not null,
    activated_at bigint not null,
    position bigint not null,
    foreign key (scheme, version) references tier_models
);

-- -------------------------------------------------------------------------------------------------------- read models

create table read_models (
    name text not null,
    version integer not null,
    status text not null check (status in ('building', 'serving', 'paused', 'retired')),
    created_at timestamptz not null default now(),
    primary key (name, version)
);

-- lease_until is database time; fence grows with every new holder and is carried by every write.
create table checkpoints (
    name text not null,
    version integer not null,
    lane integer not null,
    position bigint not null default 0,
    fence bigint not null default 0,
    holder text,
    lease_until timestamptz,
    updated_at timestamptz not null default now(),
    primary key (name, version, lane)
);

-- Poison records: the subject's later records wait behind its first.
create table parked (
    name text not null,
    version integer not null,
    subject_id uuid not null,
    position bigint not null,
    error text not null,
    parked_at timestamptz not null default now(),
    primary key (name, version, subject_id)
);

-- ------------------------------------------------------------------------------------------------------ keys and edges

create table api_keys (
    key_id text primary key,
    name text not null,
    role text not null,
    secret_hash bytea not null,
    created_at timestamptz not null default now(),
    revoked_at timestamptz
);

create table idempotency_keys (
    key_id text not null,
    idempotency_key text not null,
    request_hash bytea not null,
    response jsonb,
    created_at timestamptz not null default now(),
    primary key (key_id, idempotency_key)
);
