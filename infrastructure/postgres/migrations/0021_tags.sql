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
