-- Benefits: their versions, what is held by whom, and the accounts that promises are charged to.

-- ---------------------------------------------------------------------------------------------------------- catalogue

create table benefits (
    benefit text not null,
    version integer not null,
    status text not null check (status in ('draft', 'submitted', 'approved', 'active', 'retired')),
    spec jsonb not null,
    content_hash text not null,
    created_at bigint not null,
    created_by text not null,
    activated_at bigint,
    review jsonb not null default '{}',   -- who submitted, approved or rejected it, and when
    primary key (benefit, version)
);
create unique index benefits_active on benefits (benefit) where status = 'active';

-- Money set aside, by whom it is governed. parent: what is charged along. period: '' or the length of one instalment.
create table budgets (
    budget text primary key,
    parent text references budgets,
    amount bigint not null check (amount >= 0),   -- minor units, of the whole or of each period
    currency text not null,
    period text not null default '' check (period in ('', 'month', 'quarter', 'year')),
    time_zone text not null,
    starts_at bigint,
    ends_at bigint,
    status text not null check (status in ('open', 'closed')),
    labels jsonb not null default '{}',
    changed_at bigint not null
);

-- What can be promised: `budget:NAME` in minor units (`budget:NAME@START` of one period, START its first instant),
-- `stock:BENEFIT` in units. reserved: promised and not redeemed; spent: redeemed. The check is the promise itself.
create table accounts (
    account text primary key,
    allowed bigint not null check (allowed >= 0),
    reserved bigint not null default 0 check (reserved >= 0),
    spent bigint not null default 0 check (spent >= 0),
    constraint accounts_never_overspent check (reserved + spent <= allowed)
) with (fillfactor = 50);

-- While a row stands here nothing of its scope is granted: '*', 'benefit:NAME', 'budget:NAME', 'bulk:ID', 'campaign:NAME'.
create table grant_stops (
    scope text primary key,
    stopped_by text not null,
    stopped_at bigint not null,
    reason text not null
);

-- --------------------------------------------------------------------------------------------------------------- grants

-- One row a grant: as its events leave it. accounts: what it is charged to.
create table grants (
    grant_id uuid primary key,
    subject_id uuid not null,
    benefit text not null,
    benefit_version integer not null,
    kind text not null,
    units bigint not null check (units > 0),
    redeemed bigint not null default 0 check (redeemed >= 0),
    released bigint not null default 0 check (released >= 0),     -- never to be redeemed: revoked, expired, taken back
    reclaimed bigint not null default 0 check (reclaimed between 0 and redeemed), -- redeemed, and taken back
    moves integer not null default 0,
    times integer not null default 0,             -- redemptions
    unit_cost bigint not null,                    -- minor units
    currency text not null,
    accounts text[] not null,
    tiers jsonb not null,                         -- scheme -> tier when it was granted
    cause text not null,                          -- what granted it: 'command', 'bulk', 'strategy', 'issuance', ...
    campaign text not null default '',
    strategy text not null default '',
    assignment_id text not null default '',
    run_id uuid,                                  -- of a bulk grant
    order_key bytea,                              -- keyed digest of the order it was granted for
    status text not null default 'open' check (status in ('open', 'redeemed', 'expired', 'revoked', 'clawed-back')),
    granted_at bigint not null,
    expires_at bigint,
    ended_at bigint,
    constraint grants_add_up check (redeemed + released <= units)
) with (fillfactor = 80);
create index grants_of_subject on grants (subject_id, benefit);
create index grants_expiring on grants (expires_at) where status = 'open' and expires_at is not null;
create index grants_of_run on grants (run_id) where run_id is not null;
create index grants_by_time on grants using brin (granted_at) with (autosummarize = on);

-- What became of it: one row a redemption, release or reclaim. cost: units at the grant's unit cost, minor units.
create table grant_moves (
    grant_id uuid not null references grants,
    number integer not null,
    move text not null check (move in ('redeemed', 'expired', 'revoked', 'clawed-back', 'reclaimed')),
    units bigint not null check (units > 0),
    cost bigint not null,
    at bigint not null,
    order_key bytea,
    primary key (grant_id, number)
);
create index grant_moves_by_time on grant_moves using brin (at) with (autosummarize = on);

-- Benefits and strategies change what is held, and nothing that is decided: the observation stays as it is. Readers who
-- show both find such an event by this index, and the last one's position with the subject.
alter table timelines add column held_position bigint not null default 0;
create index events_of_holdings on events (position)
    where topic like 'user-tier.benefit-%' or topic like 'user-tier.strategy-%';

-- ------------------------------------------------------------------------------------------------------------ promises

-- Charges requests to accounts, in their order, each whole or not at all. names: distinct, in their order, so that all
-- lock them alike. ends: of each request its last charge, among charges that stand request by request. outcome: other
-- than 0 for requests that are refused already. Answers for each request 0, or which of all charges its account has no
-- room for.
create function charge_accounts(
    outcome integer[], names text[], ends integer[], charged integer[], amounts bigint[]
) returns integer[] language plpgsql as $$
declare
    room bigint[];
    taken bigint[] := array_fill(0::bigint, array[cardinality(names)]);
    first integer := 1;
begin
    if cardinality(names) > 0 then
        select array_agg(locked.allowed - locked.reserved - locked.spent order by wanted.n) into room
        from unnest(names) with ordinality wanted (account, n)
        left join (select * from accounts where account = any(names) order by account for update) locked using (account);
    end if;
    for request in 1 .. cardinality(ends) loop
        for charge in first .. (case when outcome[request] = 0 then ends[request] else 0 end) loop
            if coalesce(room[charged[charge]], -1) < amounts[charge] then
                outcome[request] := charge;
                exit;
            end if;
        end loop;
        if outcome[request] = 0 then
            for charge in first .. ends[request] loop
                room[charged[charge]] := room[charged[charge]] - amounts[charge];
                taken[charged[charge]] := taken[charged[charge]] + amounts[charge];
            end loop;
        end if;
        first := ends[request] + 1;
    end loop;
    update accounts set reserved = reserved + now_taken.amount
    from unnest(names, taken) now_taken (account, amount)
    where accounts.account = now_taken.account and now_taken.amount > 0
      and reserved + spent + now_taken.amount <= allowed;
    return outcome;
end $$;

-- Grants of distinct subjects, whose timelines the caller has locked: charged, recorded and told, each whole or not at
-- all. Must be the last statement of its transaction, sent together with the commit. Outcomes as of charge_accounts;
-- -1: what it was granted under has been stopped or retired. last_position: of the last event, 0 without any.
create function grant_benefits(
    subject_ids uuid[], versions integer[], instants bigint[], actors text[], command_ids text[], causations text[],
    states bytea[], grant_ids uuid[], names text[], benefit_versions integer[], kinds text[], units bigint[],
    unit_costs bigint[], currencies text[], tiers text[], causes text[], campaigns text[], strategies text[],
    assignment_ids text[], run_ids uuid[], order_keys bytea[], expiries bigint[],
    account_names text[], ends integer[], charged integer[], amounts bigint[],
    out outcomes integer[], out last_position bigint
) language plpgsql as $$
begin
    select array_agg(case
        when exists (select from grant_stops
                     where scope in ('*', 'benefit:' || r.benefit, 'campaign:' || r.campaign, 'bulk:' || r.run_id::text)
                        or scope in (select split_part(account_names[charged[c]], '@', 1)
                                     from generate_series(coalesce(ends[r.n - 1], 0) + 1, ends[r.n]) c))
          or not exists (select from benefits b
                         where b.benefit = r.benefit and b.version = r.version and b.status = 'active')
        then -1 else 0 end order by r.n) into outcomes
    from unnest(names, benefit_versions, campaigns, run_ids) with ordinality r (benefit, version, campaign, run_id, n);
    outcomes := charge_accounts(outcomes, account_names, ends, charged, amounts);
    perform tierline_order_lock();
    with wanted as (
        select r.*, array(select account_names[charged[c]]
                          from generate_series(coalesce(ends[r.n - 1], 0) + 1, ends[r.n]) c) as held
        from unnest(subject_ids, versions, instants, actors, command_ids, causations, states, grant_ids, names,
                    benefit_versions, kinds, units, unit_costs, currencies, tiers, causes, campaigns, strategies,
                    assignment_ids, run_ids, order_keys, expiries, outcomes) with ordinality
            as r (subject_id, version, instant, actor, command_id, causation, state, grant_id, benefit, benefit_version,
                  kind, units, unit_cost, currency, tiers, cause, campaign, strategy, assignment_id, run_id, order_key,
                  expires_at, outcome, n)
        where r.outcome = 0
    ), told as (
        insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id,
                            causation, state)
        select subject_id, version, 'user-tier.benefit-granted.v1', instant, instant, actor, command_id, causation, state
        from wanted order by n
        returning originator_id, events.position
    ), moved as (
        update timelines t set stream_version = w.version, last_instant = greatest(t.last_instant, w.instant),
            held_position = told.position
        from wanted w join told on told.originator_id = w.subject_id where t.subject_id = w.subject_id
    ), kept as (
        insert into grants (grant_id, subject_id, benefit, benefit_version, kind, units, unit_cost, currency, accounts,
                            tiers, cause, campaign, strategy, assignment_id, run_id, order_key, granted_at, expires_at)
        select grant_id, subject_id, benefit, benefit_version, kind, wanted.units, unit_cost, currency, held,
               wanted.tiers::jsonb, cause, campaign, strategy, assignment_id, run_id, order_key, instant, expires_at
        from wanted
    )
    select coalesce(max(told.position), 0) into last_position from told;
end $$;

-- What becomes of grants whose subjects' timelines the caller has locked. topics: of the event that tells each; moves as
-- in grant_moves. Accounts follow: what is redeemed is spent, what is released can be promised again. Must be the last
-- statement of its transaction. Answers the position of the last event.
create function move_grants(
    subject_ids uuid[], versions integer[], topics text[], instants bigint[], actors text[], command_ids text[],
    causations text[], states bytea[], grant_ids uuid[], move_names text[], move_units bigint[], statuses text[],
    order_keys bytea[]
) returns bigint language plpgsql as $$
declare
    told bigint;
begin
    perform from accounts where account in (
        select unnest(g.accounts) from grants g where g.grant_id = any(grant_ids)
    ) order by account for update;
    update accounts a set reserved = reserved - change.freed, spent = spent + coalesce(change.redeemed, 0)
    from (
        select held.account, sum(m.units * held.unit) as freed,
               sum(m.units * held.unit) filter (where m.move = 'redeemed') as redeemed
        from unnest(grant_ids, move_names, move_units) m (grant_id, move, units)
        join grants g using (grant_id)
        cross join lateral (select account, case when account like 'stock:%' then 1 else g.unit_cost end as unit
                            from unnest(g.accounts) account) held
        where m.move <> 'reclaimed' group by held.account
    ) change where a.account = change.account;
    insert into grant_moves (grant_id, number, move, units, cost, at, order_key)
    select m.grant_id, g.moves + row_number() over (partition by m.grant_id order by m.n), m.move, m.units,
           m.units * g.unit_cost, m.instant, m.order_key
    from unnest(grant_ids, move_names, move_units, instants, order_keys) with ordinality
        m (grant_id, move, units, instant, order_key, n)
    join grants g using (grant_id);
    update grants g set redeemed = g.redeemed + change.redeemed, released = g.released + change.released,
        reclaimed = g.reclaimed + change.reclaimed, times = g.times + change.times, moves = g.moves + change.moves,
        status = change.status, ended_at = case when change.status <> 'open' then coalesce(g.ended_at, change.at) end
    from (
        select m.grant_id, coalesce(sum(m.units) filter (where m.move = 'redeemed'), 0) as redeemed,
               coalesce(sum(m.units) filter (where m.move in ('expired', 'revoked', 'clawed-back')), 0) as released,
               coalesce(sum(m.units) filter (where m.move = 'reclaimed'), 0) as reclaimed,
               count(*) filter (where m.move = 'redeemed') as times, count(*) as moves,
               (array_agg(m.status order by m.n desc))[1] as status, max(m.instant) as at
        from unnest(grant_ids, move_names, move_units, statuses, instants) with ordinality
            m (grant_id, move, units, status, instant, n)
        group by m.grant_id
    ) change where g.grant_id = change.grant_id;
    perform tierline_order_lock();
    with recorded as (
        insert into events (originator_id, originator_version, topic, effective_at, recorded_at, actor, command_id,
                            causation, state)
        select e.subject_id, e.version, e.topic, e.instant, greatest(e.instant, tierline_peek()), e.actor, e.command_id,
               e.causation, e.state
        from unnest(subject_ids, versions, topics, instants, actors, command_ids, causations, states) with ordinality
            e (subject_id, version, topic, instant, actor, command_id, causation, state, n)
        where e.state is not null order by e.n
        returning originator_id, originator_version, position, effective_at
    ), moved as (
        update timelines t set stream_version = last.version, held_position = last.position,
            last_instant = greatest(t.last_instant, last.instant)
        from (select originator_id, max(originator_version) as version, max(position) as position,
                     max(effective_at) as instant from recorded group by originator_id) last
        where t.subject_id = last.originator_id
    )
    select max(position) into told from recorded;
    return told;
end $$;
