-- Facts remember by which of several user ids they came, so that ids can leave a subject again with what is theirs.

-- An id's number is its own for ever; 0: the id by which the subject was first known. A number says nothing once the row
-- of user_ids is gone.
create sequence user_id_numbers as integer;
alter table user_ids add column number integer not null default 0;

-- How often ids have left the subject. Whoever waited for the subject's lock meanwhile holds an id that was read before,
-- with another count than the timeline has by then, and looks it up again.
alter table user_ids add column departures integer not null default 0;
alter table timelines add column departures integer not null default 0;

-- The number of the id that brought the fact; null: 0. No part of its content.
alter table facts add column brought_by integer;

-- Facts that came again, by another id of the subject.
create table facts_also_brought (
    subject_id uuid not null references subjects on delete cascade,
    source text not null,
    fact_id text not null,
    number integer not null,
    primary key (subject_id, source, fact_id, number)
);

-- Ids that have left a subject, by their numbers there: what they alone had brought counts there no more.
create table departed_user_ids (
    subject_id uuid not null references subjects on delete cascade,
    number integer not null,
    into_subject uuid not null,
    departed_at bigint not null,          -- the command's instant
    primary key (subject_id, number)
);

-- Which of several ids brought what there is, nobody knows: it is nobody's, and stays.
update user_ids set number = nextval('user_id_numbers')
where subject_id in (select subject_id from user_ids group by subject_id having count(*) > 1);

drop function record_facts;
create function record_facts(
    subject_ids uuid[], sources text[], fact_ids text[], kinds text[], occurred_ats bigint[], known_ats bigint[],
    amounts bigint[], currencies text[], sealeds bytea[], content_hashes bytea[], fact_chains bytea[],
    fact_histories uuid[], brought_bys integer[],
    timeline_ids uuid[], due_ats bigint[], last_instants bigint[], offsets integer[], counts integer[], chains bytea[],
    history_ids uuid[]
) returns bigint language plpgsql as $$
begin
    perform tierline_order_lock();
    insert into facts (subject_id, source, fact_id, kind, occurred_at, known_at, amount, currency, sealed, content_hash,
                       chain, history_id, brought_by)
    select * from unnest(subject_ids, sources, fact_ids, kinds, occurred_ats, known_ats, amounts, currencies, sealeds,
                         content_hashes, fact_chains, fact_histories, brought_bys);
    return advance_timelines(cardinality(subject_ids), timeline_ids, due_ats, last_instants, offsets, counts, chains,
                             history_ids);
end $$;
