-- A chunk of a bulk assignment: what all share is sent once, the rest as columns of the same length, by subject. Those who
-- are taken in stand in the last six; chosen_arm counts arm_names from 1, 0: held out; due 0: nothing is to be done.
--
-- The caller has locked the subjects' timelines. Must be the last statement of its transaction, sent together with the
-- commit. last_position: of the last event; positions are consecutive in the order of the subjects. held: for how long the
-- order lock was, up to the commit, seconds.
create function assign_in_bulk(
    strategy_name text, version_number integer, campaign_name text, group_label text, bulk_run uuid, told_cause jsonb,
    actor_name text, told_as text, caused_by text, arm_names text[], skip_reasons text[], skip_counts bigint[],
    subject_ids uuid[], versions integer[], instants bigint[], outcomes integer[], states bytea[],
    taken uuid[], assignment_ids uuid[], chosen_arms integer[], holdouts integer[], due bigint[], assigned bigint[],
    ends bigint[],
    out last_position bigint, out held double precision
) language plpgsql as $$
declare
    began timestamptz;
    clock bigint;
begin
    insert into assignments (assignment_id, subject_id, strategy, version, campaign, arm, holdout, group_name, assigned_at,
                             ends_at, run_id, cause)
    select a.assignment_id, a.subject_id, strategy_name, version_number, campaign_name, arm_names[a.arm],
           (array['', 'global', 'strategy'])[a.holdout + 1], group_label, a.assigned_at, a.ends_at, bulk_run, told_cause
    from unnest(assignment_ids, taken, chosen_arms, holdouts, assigned, ends)
        a (assignment_id, subject_id, arm, holdout, assigned_at, ends_at);
    insert into strategy_timers (due_at, kind, strategy, subject_id, assignment_id)
    select t.due_at, 'actions', strategy_name, t.subject_id, t.assignment_id
    from unnest(due, taken, assignment_ids) t (due_at, subject_id, assignment_id)
    where t.due_at > 0;
    insert into strategy_skips (strategy, reason, skipped, at)
    select strategy_name, s.reason, s.skipped, tierline_peek() from unnest(skip_reasons, skip_counts) s (reason, skipped);
    perform tierline_order_lock();
    began := clock_timestamp();
    clock := tierline_peek();
    with recorded as (
        insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id,
                            causation, state)
        select e.subject_id, e.version,
               (array['user-tier.strategy-assigned.v1', 'user-tier.strategy-skipped.v1'])[e.outcome + 1], e.instant,
               greatest(e.instant, clock), actor_name, told_as, caused_by, e.state
        from unnest(subject_ids, versions, instants, outcomes, states) with ordinality
            e (subject_id, version, instant, outcome, state, n)
        order by e.n
        returning originator_id, originator_version, position, effective_at
    ), moved as (
        update timelines t set stream_version = r.originator_version, held_position = r.position,
            last_instant = greatest(t.last_instant, r.effective_at)
        from recorded r where t.subject_id = r.originator_id
    )
    select coalesce(max(position), 0) into last_position from recorded;
    held := extract(epoch from clock_timestamp() - began);
end $$;

-- As before, but the clock is read once for all events of a call: it costs more than an event does, under the order lock.
create or replace function tell_holdings(
    subject_ids uuid[], versions integer[], topics text[], instants bigint[], actors text[], command_ids text[],
    causations text[], states bytea[]
) returns bigint language plpgsql as $$
declare
    told bigint;
    clock bigint;
begin
    perform tierline_order_lock();
    clock := tierline_peek();
    with recorded as (
        insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id,
                            causation, state)
        select e.subject_id, e.version, e.topic, e.instant, greatest(e.instant, clock), e.actor, e.command_id,
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
