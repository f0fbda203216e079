-- Strategies: what they are, whom they have taken in, what is still to be done, and how far reactions have read the log.

create sequence strategy_changes as bigint;

-- As its events leave it. spec: of its latest version. change: taken anew with every change, so that readers notice.
create table strategies (
    strategy text primary key,
    version integer not null,
    status text not null
        check (status in ('draft', 'submitted', 'approved', 'running', 'paused', 'ended', 'retired')),
    spec jsonb not null,
    content_hash text not null,
    makers text[] not null,
    approved_by text,
    running_version integer not null,     -- of what was started last; 0: never
    global_holdout double precision,      -- percent, as it was at the start
    campaign text not null default '',
    started_at bigint,                    -- for the first time
    running_since bigint,                 -- for the last time
    changed_at bigint not null,
    changed_by text not null,
    change bigint not null default nextval('strategy_changes')
);
-- What was started once: assignments keep the version that they were made under.
create table strategy_versions (
    strategy text not null references strategies,
    version integer not null,
    spec jsonb not null,
    primary key (strategy, version)
);

-- One row an assignment, as its events leave it. The id follows from strategy, subject and cause: a cause leads to one.
create table assignments (
    assignment_id uuid primary key,
    subject_id uuid not null,
    strategy text not null,
    version integer not null,
    campaign text not null default '',
    arm text,                             -- null: held out
    holdout text not null default '',     -- by whom: 'global', 'strategy'
    group_name text,                      -- of strategies that exclude each other
    assigned_at bigint not null,
    ends_at bigint not null,
    exposed_at bigint,
    ended_at bigint,
    end_reason text,
    run_id uuid,                          -- of a bulk assignment
    cause jsonb not null
) with (fillfactor = 80);
create unique index assignments_live on assignments (subject_id, strategy) where ended_at is null;
create index assignments_before on assignments (subject_id, strategy, assigned_at) where ended_at is not null;
create index assignments_ending on assignments (ends_at) where ended_at is null;
create index assignments_of_strategy on assignments (strategy, assignment_id);
create index assignments_of_run on assignments (run_id, assignment_id) where run_id is not null;

-- How many were not taken in, and why: a row a batch. Who they are is told by their own events, sealed.
create table strategy_skips (
    strategy text not null,
    reason text not null,
    skipped bigint not null,
    at bigint not null
);
create index strategy_skips_of on strategy_skips (strategy, reason);

-- What is to be done at an instant: a trigger to be looked at (again), or the actions of an assignment. Taken by
-- whoever comes first, and gone with its effect.
create table strategy_timers (
    timer_id uuid primary key default gen_random_uuid(),
    due_at bigint not null,
    kind text not null check (kind in ('trigger', 'actions')),
    strategy text not null,
    subject_id uuid not null,
    assignment_id uuid,
    cause jsonb
);
create index strategy_timers_due on strategy_timers (kind, due_at);
create unique index strategy_timers_once on strategy_timers (assignment_id) where assignment_id is not null;

-- Who matched a strategy's condition when last decided: coming to match is one event, going on to match is none.
create table strategy_members (
    strategy text not null,
    subject_id uuid not null,
    primary key (strategy, subject_id)
);

-- Schedules: when a strategy comes round next, and whom of its audience this round has reached.
create table strategy_rounds (
    strategy text primary key references strategies,
    next_at bigint not null
);

-- Messages that wait to be sent, and those that were. Sending is somebody else's.
create table outbound_messages (
    message_id uuid primary key,
    subject_id uuid not null,
    channel text not null,
    template text not null,
    strategy text not null,
    assignment_id uuid not null,
    created_at bigint not null,
    state text not null default 'waiting' check (state in ('waiting', 'sent', 'failed'))
);
create index outbound_messages_waiting on outbound_messages (created_at) where state = 'waiting';
create index outbound_messages_of_subject on outbound_messages (subject_id, created_at);

-- How far each reaction has read. Its row is locked while it reacts, and moves on with the effects. From now on only.
create table reactions (
    name text primary key,
    position bigint not null
);
insert into reactions
select name, greatest((select coalesce(max(position), 0) from events),
                      (select coalesce(max(position), 0) from observations))
from unnest(array['start_strategies_when_a_tier_changes', 'start_strategies_when_a_user_joins_a_segment']) as name;

-- Events of subjects whose timelines the caller has locked, that change what is held and nothing that is decided. Must be
-- the last statement of its transaction, sent together with the commit. Answers the position of the last event.
create function tell_holdings(
    subject_ids uuid[], versions integer[], topics text[], instants bigint[], actors text[], command_ids text[],
    causations text[], states bytea[]
) returns bigint language plpgsql as $$
declare
    told bigint;
begin
    perform tierline_order_lock();
    with recorded as (
        insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id,
                            causation, state)
        select e.subject_id, e.version, e.topic, e.instant, greatest(e.instant, tierline_peek()), e.actor, e.command_id,
               e.causation, e.state
        from unnest(subject_ids, versions, topics, instants, actors, command_ids, causations, states) with ordinality
            e (subject_id, version, topic, instant, actor, command_id, causation, state, n)
        order by e.n
        returning originator_id, originator_version, position, effective_at
    ), moved as (
        update timelines t set stream_version = last.version, held_position = last.position,
            last_instant = greatest(t.last_instant, last.instant)
        from (select originator_id, max(originator_version) as version, max(position) as position,
                     max(effective_at) as instant from recorded group by originator_id) last
        where t.subject_id = last.originator_id
    )
    select coalesce(max(position), 0) into told from recorded;
    return told;
end $$;
