-- Growth value that is granted counts towards tiers: from now on.
insert into reactions values ('record_growth_of_grants', (select last_value from positions));
