-- What incidents are looked for by; rows of before are filled in when the file is opened.
ALTER TABLE incident ADD COLUMN severity TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN owner TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN place TEXT NOT NULL DEFAULT '';
ALTER TABLE incident ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incident ADD COLUMN words TEXT NOT NULL DEFAULT '';
CREATE INDEX incident_search ON incident
  (opened_at, key, state, category, severity, owner, place, overdue, words);
CREATE INDEX incident_unfilled ON incident (key) WHERE owner = '';
