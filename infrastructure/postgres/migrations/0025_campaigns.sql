-- Campaigns: groups of strategies with their days and budget, as their events leave them.
create table campaigns (
    campaign text primary key,
    status text not null check
        (status in ('draft', 'submitted', 'approved', 'scheduled', 'running', 'resting', 'paused', 'ended', 'retired')),
    spec jsonb not null,
    content_hash text not null,
    makers text[] not null,
    approved_by text,
    budget text,
    starts_at bigint not null,
    ends_at bigint not null,
    turns_at bigint,                      -- when time moves it next; null: never again, or not before it is scheduled
    started_at bigint,
    changed_at bigint not null,
    changed_by text not null
);
create index campaigns_turning on campaigns (turns_at) where turns_at is not null;
create index campaigns_by_days on campaigns (starts_at, ends_at);
