-- Recording facts: rows and timelines move on together.

-- The clock is at `instant` or later from now on. Only a manual clock needs the push: it stands still, while the facts
-- of one subject in one stream are known a microsecond apart.
create function tierline_reach(instant bigint) returns void language plpgsql as $$
begin
    if (select manual from clock) then
        while (select last_value from clock_floor) < instant loop
            perform nextval('clock_floor');
        end loop;
    end if;
end $$;

-- After `recorded` facts took the last positions: their timelines, locked by the caller, follow. Answers the position
-- before the first of those facts. offsets: of a subject's last fact among them, from 1; due_ats: the first instant
-- to decide. A subject of a history session is not due before that is sealed.
create function advance_timelines(
    recorded integer, subject_ids uuid[], due_ats bigint[], last_instants bigint[], offsets integer[], counts integer[],
    chains bytea[], history_ids uuid[]
) returns bigint language plpgsql as $$
declare
    before bigint := currval('positions') - recorded;
begin
    update timelines t set
        due_at = case when v.history_id is null then least(t.due_at, v.due_at) end,
        last_instant = v.last_instant, last_position = before + v.last_offset, facts = t.facts + v.new_facts,
        chain = v.chain, history_id = v.history_id
    from unnest(subject_ids, due_ats, last_instants, offsets, counts, chains, history_ids)
        as v (subject_id, due_at, last_instant, last_offset, new_facts, chain, history_id)
    where t.subject_id = v.subject_id;
    perform tierline_reach((select max(v) from unnest(last_instants) v));
    return before;
end $$;

-- A small batch in one call. Must be the last statement of its transaction, sent together with the commit.
create function record_facts(
    subject_ids uuid[], sources text[], fact_ids text[], kinds text[], occurred_ats bigint[], known_ats bigint[],
    amounts bigint[], currencies text[], sealeds bytea[], content_hashes bytea[], fact_chains bytea[],
    fact_histories uuid[],
    timeline_ids uuid[], due_ats bigint[], last_instants bigint[], offsets integer[], counts integer[], chains bytea[],
    history_ids uuid[]
) returns bigint language plpgsql as $$
begin
    perform tierline_order_lock();
    insert into facts (subject_id, source, fact_id, kind, occurred_at, known_at, amount, currency, sealed, content_hash,
                       chain, history_id)
    select * from unnest(subject_ids, sources, fact_ids, kinds, occurred_ats, known_ats, amounts, currencies, sealeds,
                         content_hashes, fact_chains, fact_histories);
    return advance_timelines(cardinality(subject_ids), timeline_ids, due_ats, last_instants, offsets, counts, chains,
                             history_ids);
end $$;
