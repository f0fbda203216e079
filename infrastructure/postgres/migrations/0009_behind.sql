-- Whom an activation has not reached is looked up by subject within a generation, from where the last look ended.
create index timelines_behind on timelines (generation, subject_id)
    where history_id is null and decided_at is not null;
drop index timelines_by_generation;
