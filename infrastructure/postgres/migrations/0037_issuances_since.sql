-- The instant of the revision, until an issuance has been through the log once: turns count from it, so that those which come
-- before the workers have seen everybody are made up for. Null: it has been through.
alter table issuance_progress add column since bigint;
