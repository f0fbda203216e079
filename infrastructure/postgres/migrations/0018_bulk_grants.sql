-- Bulk grants: one benefit to many, whose members are fixed when it is planned.

create table bulk_grants (
    run_id uuid primary key,
    benefit text not null,
    benefit_version integer not null,     -- what was previewed and approved; another one in force pauses it
    units bigint not null check (units > 0), -- for each
    unit_cost bigint not null,            -- minor units
    currency text not null,
    reason text not null,
    budgets text[] not null,              -- named besides the benefit's own
    campaign text not null,
    source jsonb not null,                -- {"where": condition} or {"listed": lines}
    people bigint not null,
    unknown bigint not null,              -- lines that name nobody
    faults jsonb not null,                -- the first of them: [{line, user_id, problem}]
    requested_by text not null,
    requested_at bigint not null,
    state text not null check (state in ('previewing', 'previewed', 'rejected', 'running', 'paused', 'finished',
                                         'cancelled', 'reverting', 'reverted')),
    because text not null default '',     -- why it is paused, rejected or cancelled
    preview jsonb,
    approvals_needed integer not null default 0,
    approved_by text[] not null default '{}',
    approvals_skipped boolean not null default false,
    story jsonb not null default '[]',    -- what was done, by whom and when
    begun_at timestamptz,                 -- when it was last started or resumed, by the wall; for its rate
    begun_done bigint not null default 0  -- and how many were done then
);
create index bulk_grants_latest on bulk_grants (requested_at, run_id);
create index bulk_grants_at_work on bulk_grants (state) where state in ('previewing', 'running', 'reverting');

-- In the order in which they are granted to, which is the order of locks.
create table bulk_grant_members (
    run_id uuid not null,
    subject_id uuid not null,
    primary key (run_id, subject_id)
);

-- Stretches of the members. Whoever works on one holds its row: a process that dies lets go of it at once.
create table bulk_grant_parts (
    run_id uuid not null references bulk_grants,
    part integer not null,
    ended boolean not null default false,
    after uuid not null,                  -- the last member that is done, or what comes before the first
    until uuid not null,
    done bigint not null default 0,
    granted bigint not null default 0,
    cost bigint not null default 0,       -- minor units, of those granted
    looked_at bigint not null default 0,  -- by a revert
    reverted bigint not null default 0,
    reverted_units bigint not null default 0,
    kept_at timestamptz,
    primary key (run_id, part)
);

-- Members that were granted nothing. about: what stood in the way (an account, a tier).
create table bulk_grant_skips (
    run_id uuid not null references bulk_grants,
    subject_id uuid not null,
    reason text not null,
    about text not null,
    primary key (run_id, subject_id)
);

-- A chunk of a bulk grant: distinct subjects, whose timelines the caller has locked in their order, and whose part it
-- has locked. What all grants share is given once. accounts, amounts: what each of them charges, by name; who finds no
-- room is skipped with the reason. skips, reasons, abouts: who was found to get nothing before. last_subject: of the
-- chunk; is_last: nobody comes after it. Charged, recorded, told and counted together. Must be the last statement of
-- its transaction, sent together with the commit. stopped: why nothing was done, else null; held: for how long the
-- order lock was held before the commit, seconds.
create function grant_in_bulk(
    run uuid, part_number integer, last_subject uuid, is_last boolean,
    benefit_name text, benefit_number integer, kind_name text, units_each bigint, cost_each bigint, currency_code text,
    campaign_name text, actor_name text, told_as text, charged_to text[], amounts bigint[],
    subject_ids uuid[], versions integer[], instants bigint[], states bytea[], grant_ids uuid[], stood_on text[],
    expiries bigint[], skips uuid[], reasons text[], abouts text[],
    out stopped text, out granted integer, out last_position bigint, out held double precision
) language plpgsql as $$
declare
    size constant integer := cardinality(subject_ids);
    width constant integer := cardinality(charged_to);
    outcomes integer[] := array_fill(0, array[size]);
    positions bigint[];
    began timestamptz;
begin
    select 'granting is stopped (' || s.scope || ') by ' || s.stopped_by || ': ' || s.reason into stopped
    from grant_stops s
    where s.scope in ('*', 'benefit:' || benefit_name, 'campaign:' || campaign_name, 'bulk:' || run::text)
       or s.scope in (select split_part(account, '@', 1) from unnest(charged_to) account)
    order by s.scope limit 1;
    if stopped is null and (select state from bulk_grants b where b.run_id = run) <> 'running' then
        stopped := 'it does not run any more';
    end if;
    if stopped is not null then
        return;
    end if;
    -- As one request while there is room for all; else each for itself.
    if size > 0 and width > 0 then
        if charge_accounts(
            array[0], charged_to, array[width], array(select generate_series(1, width)),
            array(select amount * size from unnest(amounts) with ordinality a (amount, n) order by n)
        ) <> array[0] then
            outcomes := charge_accounts(
                outcomes, charged_to, array(select width * n from generate_series(1, size) n),
                array(select c from generate_series(1, size) n, generate_series(1, width) c order by n, c),
                array(select amounts[c] from generate_series(1, size) n, generate_series(1, width) c order by n, c));
        end if;
    end if;
    granted := (select count(*) from unnest(outcomes) outcome where outcome = 0);
    insert into grants (grant_id, subject_id, benefit, benefit_version, kind, units, unit_cost, currency, accounts, tiers,
                        cause, campaign, run_id, granted_at, expires_at)
    select g.grant_id, g.subject_id, benefit_name, benefit_number, kind_name, units_each, cost_each, currency_code,
           charged_to, g.tiers::jsonb, 'bulk', campaign_name, run, g.instant, g.expires_at
    from unnest(grant_ids, subject_ids, stood_on, instants, expiries, outcomes)
        g (grant_id, subject_id, tiers, instant, expires_at, outcome)
    where g.outcome = 0;
    insert into bulk_grant_skips (run_id, subject_id, reason, about)
    select run, s.subject_id, s.reason, s.about from unnest(skips, reasons, abouts) s (subject_id, reason, about)
    union all
    select run, s.subject_id, case when a.account like 'stock:%' then 'stock-exhausted' else 'budget-exhausted' end,
           a.account
    from unnest(subject_ids, outcomes) s (subject_id, outcome)
    cross join lateral (select charged_to[(s.outcome - 1) % width + 1] as account) a
    where s.outcome > 0;
    update bulk_grant_parts p set after = coalesce(last_subject, p.after), ended = is_last,
        done = p.done + size + cardinality(skips), granted = p.granted + grant_in_bulk.granted,
        cost = p.cost + grant_in_bulk.granted * units_each * cost_each, kept_at = clock_timestamp()
    where p.run_id = run and p.part = part_number;
    last_position := 0;
    held := 0;
    if granted = 0 then
        return;
    end if;
    perform tierline_order_lock();
    began := clock_timestamp();
    positions := array(select case when outcome = 0 then nextval('positions') end
                       from unnest(outcomes) with ordinality o (outcome, n) order by n);
    insert into events (originator_id, originator_version, position, topic, effective_at, recorded_at, actor, command_id,
                        state)
    select e.subject_id, e.version, e.position, 'user-tier.benefit-granted.v1', e.instant, e.instant, actor_name,
           told_as, e.state
    from unnest(subject_ids, versions, positions, instants, states) e (subject_id, version, position, instant, state)
    where e.position is not null;
    update timelines t set stream_version = e.version, last_instant = greatest(t.last_instant, e.instant),
        held_position = e.position
    from unnest(subject_ids, versions, positions, instants) e (subject_id, version, position, instant)
    where t.subject_id = e.subject_id and e.position is not null;
    last_position := (select max(position) from unnest(positions) position);
    held := extract(epoch from clock_timestamp() - began);
end $$;
