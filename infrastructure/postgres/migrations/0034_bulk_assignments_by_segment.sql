-- A bulk assignment may name a saved segment: its condition is kept as it was then.
alter table bulk_assignments add column segment text not null default '';
