-- What facts say that assignments have come to: a row for each outcome of each assignment, made anew from the facts whenever
-- one comes that may matter, so that repeats, late facts and voids need no counting.
create table assignment_outcomes (
    assignment_id uuid not null references assignments,
    outcome text not null check (outcome in ('delivered', 'exposed', 'clicked', 'ordered', 'converted')),
    at bigint,                            -- when it first came about; null: what said so is void
    source text not null default '',      -- of the fact that says so
    fact_id text not null default '',
    told_at bigint,                       -- what the user's events say of `at`
    tell_at bigint,                       -- when that is to be put right; null: nothing to tell
    primary key (assignment_id, outcome)
);
create index assignment_outcomes_to_tell on assignment_outcomes (tell_at) where tell_at is not null;

create index assignments_of_subject on assignments (subject_id, assigned_at);
create index grants_of_assignment on grants (assignment_id) where assignment_id <> '';

insert into reactions values ('fold_back_what_came_of_assignments', (select last_value from positions));
