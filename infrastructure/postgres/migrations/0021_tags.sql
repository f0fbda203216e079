-- How far the tags that rules keep up have followed the log. position null: there are no rules.
create table rule_tag_progress (
    only_row boolean primary key default true check (only_row),
    position bigint
);
insert into rule_tag_progress default values;

-- Whose answer to a rule time alone may change, and when.
create table rule_tag_due (
    subject_id uuid primary key references subjects on delete cascade,
    due_at bigint not null
);
create index rule_tag_due_first on rule_tag_due (due_at);

-- A tag for many at once: looked at first, then put on (or taken off), and taken back. state: what is wanted; how far it is, its
-- runs say.
create table bulk_tags (
    bulk_id uuid primary key,
    tag text not null,
    action text not null check (action in ('add', 'remove')),
    value jsonb,
    until bigint,
    reason text not null,
    condition text not null,              -- empty: users by a list
    unknown bigint not null,              -- user ids of the list that nobody has
    unknown_first jsonb not null,
    requested_by text not null,
    requested_at bigint not null,
    state text not null default 'previewed' check (state in ('previewed', 'running', 'cancelled', 'reverting')),
    run_id uuid
);
create index bulk_tags_latest on bulk_tags (requested_at desc, bulk_id);

create table bulk_tag_users (
    bulk_id uuid not null references bulk_tags on delete cascade,
    subject_id uuid not null references subjects on delete cascade,
    state text not null default 'waiting' check (state in ('waiting', 'changed', 'unchanged', 'refused', 'reverted', 'kept')),
    changed_at bigint,                    -- the command's instant
    before bytea,                         -- sealed: the tag as it was there before; null: it was not
    primary key (bulk_id, subject_id)
);
create index bulk_tag_users_by_subject on bulk_tag_users (subject_id);
