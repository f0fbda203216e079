-- Whether there are facts older than an instant: asked of models whose windows are longer than the history there is.
-- Facts come about in the order of their time, so a few pages of summaries answer.
create index facts_by_time on facts using brin (occurred_at) with (autosummarize = on);
