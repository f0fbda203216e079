-- Facts once more, a subject's in one value: what is read to decide, where it agrees with the log's chain. Made from the
-- log, never the other way round: drop every row and nothing is lost but time.
create table packed_facts (
    subject_id uuid primary key references subjects on delete cascade,
    position bigint not null,             -- of the last fact in it
    facts integer not null,               -- how many: the subject's first, by position
    chain bytea not null,                 -- the log's running hash after them
    body bytea not null,                  -- sealed
    lined bytea                           -- sealed: attributes once more, with the order lines, which few models read
);
-- Sealed bytes do not compress.
alter table packed_facts alter column body set storage external, alter column lined set storage external;

-- What has come since is found by position.
create index facts_by_subject_and_position on facts (subject_id, position);
