-- Appending to the ledger: one call that takes the order lock, writes, and answers the last position.

-- Whatever takes a position does so under the order lock, also when it comes by COPY or by hand: position order is
-- commit order by construction. Taking the lock again in one transaction costs nothing.
create function keep_order() returns trigger language plpgsql as $$
begin
    perform tierline_order_lock();
    return null;
end $$;
create trigger facts_in_order before insert on facts for each statement execute function keep_order();
create trigger events_in_order before insert on events for each statement execute function keep_order();
create trigger observations_in_order before insert or update on observations for each statement execute function keep_order();

-- A statement trigger of the parent does not fire for a statement that names a partition.
do $$
begin
    for part in 0..7 loop
        execute format('create trigger facts_in_order before insert on facts_p%s for each statement'
                       ' execute function keep_order()', part);
        execute format('create trigger events_in_order before insert on events_p%s for each statement'
                       ' execute function keep_order()', part);
        execute format('create trigger observations_in_order before insert or update on observations_p%s for each statement'
                       ' execute function keep_order()', part);
        execute format('create trigger events_never_truncated before truncate on events_p%s for each statement'
                       ' execute function refuse_change()', part);
    end loop;
end $$;

-- Events first, in the order given, then observations; positions of one call are consecutive. Must be the last statement
-- of its transaction, sent together with the commit: the order lock is held until then. An event without a recorded_at
-- is recorded now.
create function append_ledger(
    originator_ids uuid[], originator_versions integer[], topics text[], schemes text[], scopes text[],
    from_tiers text[], to_tiers text[], effective_ats bigint[], recorded_ats bigint[], actors text[],
    command_ids text[], causations text[], states bytea[],
    subject_ids uuid[], throughs bigint[], decided_ats bigint[], due_ats bigint[], bodies bytea[]
) returns bigint language plpgsql as $$
declare
    instant bigint;
begin
    if array_position(recorded_ats, null) is not null then
        instant := tierline_now();
    end if;
    perform tierline_order_lock();
    insert into events (originator_id, originator_version, topic, scheme, scope, from_tier, to_tier, effective_at,
                        recorded_at, actor, command_id, causation, state)
    select id, version, topic, scheme, scope, from_tier, to_tier, effective_at, coalesce(recorded_at, instant), actor,
           command_id, causation, state
    from unnest(originator_ids, originator_versions, topics, schemes, scopes, from_tiers, to_tiers,
                effective_ats, recorded_ats, actors, command_ids, causations, states)
        as t (id, version, topic, scheme, scope, from_tier, to_tier, effective_at, recorded_at, actor,
              command_id, causation, state);
    insert into observations (subject_id, through, decided_at, due_at, body)
    select * from unnest(subject_ids, throughs, decided_ats, due_ats, bodies)
    on conflict (subject_id) do update set position = excluded.position, through = excluded.through,
        decided_at = excluded.decided_at, due_at = excluded.due_at, body = excluded.body;
    return currval('positions');
end $$;
