-- What incidents are looked for by. A blank severity: a row of an earlier version, filled in when
-- the store is next opened.
ALTER TABLE incident ADD COLUMN severity TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN words TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_blank ON incident (key) WHERE severity = '';
-- Read from their ends, newest first. Everything that is asked for stands in them, so that of a
-- hundred thousand incidents only those that are shown are fetched; the words have an index of
-- their own, because it is four times the size.
DROP INDEX incident_opened_at;
CREATE INDEX incident_found ON incident (
  opened_at, key, state, category, severity, place, owner, overdue
);
CREATE INDEX incident_words ON incident (
  opened_at, key, state, category, severity, place, owner, overdue, words
);
CREATE INDEX incident_open ON incident (
  opened_at, key, state, category, severity, place, owner, overdue
) WHERE state != 'closed';
