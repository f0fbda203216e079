-- A subject that was merged into another is closed: no user id names it, nothing of it is decided any more.
alter table timelines add column merged_into uuid;
alter table timelines add column merged_at bigint;  -- the command's instant
create index timelines_merged on timelines (merged_into) where merged_into is not null;
