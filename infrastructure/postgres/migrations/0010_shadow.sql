-- Candidates that are decided beside the versions in force, without effect. One at a time for a scheme.
create table shadows (
    scheme text primary key,
    version integer not null,
    started_at bigint not null,           -- the candidate's instant
    migration jsonb not null,
    running boolean not null,
    fault text not null default '',       -- why it was ended, if not by hand
    change bigint not null default nextval('generations'),
    foreign key (scheme, version) references tier_models
);

-- Where each subject that came by since then stands by the candidate, and by the version in force.
create table shadow_standings (
    scheme text not null,
    subject_id uuid not null references subjects on delete cascade,
    scope text not null,
    decided_at bigint not null,
    live_tier text not null,
    shadow_tier text not null,
    apart_since bigint,                   -- null while both are one
    live_moves integer not null,
    shadow_moves integer not null,
    body bytea not null,                  -- sealed: the standing by the candidate, both last receipts
    primary key (scheme, subject_id, scope)
);
create index shadow_standings_apart on shadow_standings (scheme, apart_since desc, subject_id, scope)
    where apart_since is not null;
