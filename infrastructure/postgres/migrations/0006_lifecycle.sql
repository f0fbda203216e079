-- A version is submitted, approved by another person, and comes into force at an instant.
alter table tier_models drop constraint tier_models_status_check;
alter table tier_models add constraint tier_models_status_check check
    (status in ('draft', 'fitted', 'submitted', 'approved', 'scheduled', 'active', 'retired'));
alter table tier_models add column review jsonb not null default '{}';  -- who submitted, approved or rejected it, and when

alter table activations add column migration jsonb not null default '{}';

-- What comes into force by itself: from `at` on every decision takes it as in force, whether or not anybody has carried it
-- out yet. One row a scheme; version null: nothing is scheduled. change: taken anew with every change, so that readers notice.
create table scheduled_activations (
    scheme text primary key,
    version integer,
    at bigint,
    migration jsonb not null default '{}',
    actor text not null,
    command_id text not null default '',
    change bigint not null default nextval('generations'),
    foreign key (scheme, version) references tier_models
);
