-- Money that a second person has to agree to first: as the budget is to be. One of a budget at a time.
create table budget_proposals (
    budget text primary key,
    terms jsonb not null,
    proposed_by text not null,
    proposed_at bigint not null
);
