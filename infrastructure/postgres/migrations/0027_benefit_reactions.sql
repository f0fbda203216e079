-- What benefits do by themselves: they are taken back, and issued again and again. From now on only.
insert into reactions
select name, (select last_value from positions)
from unnest(array['claw_back_benefits_when_a_tier_falls', 'claw_back_benefits_when_an_order_comes_back',
                  'issue_benefits_when_a_tier_rises']) as name;

-- How far each recurring issue has looked for users (from the log's beginning, so that it knows everybody), and what
-- became of its turns. refused: by the refusal's name.
create table issuance_progress (
    issuance text primary key,
    revision integer not null,
    position bigint not null default 0,
    issued bigint not null default 0,
    refused jsonb not null default '{}'
);

-- Whose turn comes when.
create table issuance_timers (
    issuance text not null,
    subject_id uuid not null,
    due_at bigint not null,
    primary key (issuance, subject_id)
);
create index issuance_timers_due on issuance_timers (due_at);
