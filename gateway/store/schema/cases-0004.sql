-- Several grids for a person, devices that go by their position; rosters, holidays and borders.
ALTER TABLE person ADD COLUMN areas TEXT NOT NULL DEFAULT '[]';
ALTER TABLE device ADD COLUMN by_position INTEGER NOT NULL DEFAULT 0;
CREATE TABLE roster (row INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE holiday (day TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;
CREATE TABLE border (code TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;

-- Every edition of the registry: when, by whom, what it changed (counts: JSON).
CREATE TABLE registry_edition (
  number INTEGER PRIMARY KEY, wall INTEGER NOT NULL, trusted INTEGER NOT NULL,
  arrival INTEGER NOT NULL, by TEXT NOT NULL, counts TEXT NOT NULL
) STRICT;

-- What each row that an edition changed had said before; body NULL: it had not been there.
CREATE TABLE registry_past (
  edition INTEGER NOT NULL, what TEXT NOT NULL, id TEXT NOT NULL, body TEXT,
  PRIMARY KEY (edition, what, id)
) STRICT;
