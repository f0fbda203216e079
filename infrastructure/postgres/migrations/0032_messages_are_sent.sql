-- Messages go out to the operator's own sending system, and what became of each is an event of its user.

-- sending: somebody has taken it and not yet said what came of it; from due_at on it is anybody's again.
alter table outbound_messages drop constraint outbound_messages_state_check;
alter table outbound_messages
    add constraint outbound_messages_state_check
        check (state in ('waiting', 'sending', 'sent', 'suppressed', 'failed')),
    add column due_at bigint not null default 0,        -- when it is looked at next; 0: at once
    add column attempts integer not null default 0,
    add column reason text not null default '',         -- why it is held back, or what the last attempt came to
    add column settled_at bigint,                       -- when it was sent, suppressed or given up
    add column tell_at bigint;                          -- when its event is to be recorded; null: nothing to tell
drop index outbound_messages_waiting;
create index outbound_messages_due on outbound_messages (due_at, created_at) where state in ('waiting', 'sending');
create index outbound_messages_to_tell on outbound_messages (tell_at) where tell_at is not null;
create index outbound_messages_of_strategy on outbound_messages (strategy, created_at desc, message_id);

-- As tell_holdings, for events that change neither what is decided nor what is held: nobody has to show the subject anew.
-- Must be the last statement of its transaction, sent together with the commit. Answers the position of the last event.
create function tell_apart(
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
        update timelines t set stream_version = last.version, last_instant = greatest(t.last_instant, last.instant)
        from (select originator_id, max(originator_version) as version, max(effective_at) as instant
              from recorded group by originator_id) last
        where t.subject_id = last.originator_id
    )
    select coalesce(max(position), 0) into told from recorded;
    return told;
end $$;
