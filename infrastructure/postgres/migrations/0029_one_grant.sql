-- One command on one grant, as it comes from a till: the same as many at once, in few and simple statements, planned
-- once (and not for the small tables of that moment).

-- Locks the grant's holder and answers all that its moves are decided from; no row when there is none, or when the holder
-- was merged into another while we waited. observed: only where the redemption asks where the user stands.
create function lock_grant(asked uuid, command text) returns table (
    user_id text, subject_id uuid, data_key bytea, stream_version integer, last_instant bigint, due_at bigint,
    decided_at bigint, history_id uuid, generation bigint, instant bigint, activated bigint, scheduled bigint, spec text,
    observed bytea, done bigint, held grants
) language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
#variable_conflict use_column
declare
    holder uuid;
begin
    perform pg_advisory_xact_lock_shared(7305, 2);
    select t.subject_id into holder from timelines t
    where t.subject_id = (select g.subject_id from grants g where g.grant_id = asked) and t.merged_into is null for update;
    -- A statement of its own: it sees what was committed while we waited.
    return query
    select (select (array_agg(u.user_id order by u.user_id))[1] from user_ids u where u.subject_id = holder), holder,
           (select s.data_key from subjects s where s.subject_id = holder), t.stream_version, t.last_instant, t.due_at,
           t.decided_at, t.history_id, t.generation, tierline_now(),
           (select coalesce(max(a.generation), 0) from activations a),
           (select coalesce(max(c.at), 0) from scheduled_activations c where c.at < tierline_peek()), b.spec::text,
           case when (b.spec -> 'redemption' ->> 'while_entitled')::boolean
                then (select o.body from observations o where o.subject_id = holder) end,
           case when command <> '' then (
               select max(e.position) from events e
               where e.originator_id = holder and e.command_id = command and e.topic like 'user-tier.benefit-%') end, g
    from grants g join timelines t on t.subject_id = holder
    join benefits b on b.benefit = g.benefit and b.version = g.benefit_version
    where g.grant_id = asked and g.subject_id = holder;
end $$;

-- move_grants of one move that is no reclaim. Must be the last statement of its transaction.
create function move_grant(
    holder uuid, version integer, told_topic text, instant bigint, told_actor text, told_command text, told_cause text,
    told_state bytea, moved uuid, move_name text, move_units bigint, new_status text, move_order bytea
) returns bigint language plpgsql set plan_cache_mode = force_generic_plan set enable_seqscan = off as $$
declare
    held grants;
    charged text;
    unit bigint;
    told bigint;
begin
    select * into held from grants where grant_id = moved;
    -- In their order, so that all lock them alike.
    for charged in select name from unnest(held.accounts) name order by name loop
        unit := case when charged like 'stock:%' then 1 else held.unit_cost end;
        update accounts set reserved = reserved - move_units * unit,
            spent = spent + case when move_name = 'redeemed' then move_units * unit else 0 end
        where account = charged;
    end loop;
    insert into grant_moves (grant_id, number, move, units, cost, at, order_key)
    values (moved, held.moves + 1, move_name, move_units, move_units * held.unit_cost, instant, move_order);
    update grants set moves = moves + 1, status = new_status,
        redeemed = redeemed + case when move_name = 'redeemed' then move_units else 0 end,
        times = times + case when move_name = 'redeemed' then 1 else 0 end,
        released = released + case when move_name = 'redeemed' then 0 else move_units end,
        ended_at = case when new_status <> 'open' then coalesce(ended_at, instant) end
    where grant_id = moved;
    if told_state is null then
        return null;
    end if;
    perform tierline_order_lock();
    insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id, causation,
                        state)
    values (holder, version, told_topic, instant, greatest(instant, tierline_peek()), told_actor, told_command, told_cause,
            told_state)
    returning position into told;
    update timelines set stream_version = version, held_position = told, last_instant = greatest(last_instant, instant)
    where subject_id = holder;
    return told;
end $$;
