-- Packs in parts: most decisions need only when facts occurred, what they are and their amounts. Packs are made anew from
-- the log, so the old ones go.
truncate packed_facts;
alter table packed_facts
    add column details bytea,           -- sealed: attributes, but for profiles and voids, which stand in the body
    add column idents bytea not null;   -- sealed: sources, fact_ids and content hashes
alter table packed_facts alter column details set storage external, alter column idents set storage external;
