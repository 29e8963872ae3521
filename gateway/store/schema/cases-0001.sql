-- The registry, incidents, the outbox, timers and the rules' bookmark.
-- Columns named body hold msgspec JSON of the struct that the table is named after.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;

CREATE TABLE place (
  row INTEGER PRIMARY KEY, code TEXT NOT NULL UNIQUE, parent TEXT NOT NULL, level TEXT NOT NULL,
  name TEXT NOT NULL, address TEXT NOT NULL, latitude REAL, longitude REAL
) STRICT;

CREATE TABLE device (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, driver TEXT NOT NULL, address TEXT NOT NULL,
  kind TEXT NOT NULL, name TEXT NOT NULL, place TEXT NOT NULL, model TEXT NOT NULL,
  floor TEXT NOT NULL, flat TEXT NOT NULL, latitude REAL, longitude REAL,
  max_silence INTEGER NOT NULL, ranges TEXT NOT NULL, contact TEXT NOT NULL, state TEXT NOT NULL
) STRICT;

CREATE TABLE person (
  row INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, grid TEXT NOT NULL,
  role TEXT NOT NULL, phone TEXT NOT NULL, language TEXT NOT NULL, channels TEXT NOT NULL
) STRICT;

-- The record: hash-chained, never changed; goes with its whole incident, long after closing.
CREATE TABLE event (
  incident TEXT NOT NULL, seq INTEGER NOT NULL, what TEXT NOT NULL, wall INTEGER NOT NULL,
  arrival INTEGER NOT NULL, trusted INTEGER NOT NULL, by TEXT NOT NULL, data TEXT NOT NULL,
  previous TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY (incident, seq)
) STRICT;
CREATE INDEX event_closed ON event (incident, arrival) WHERE what = 'closed';

-- Personal texts that events name by SHA-256; may be emptied without breaking a chain.
-- arrival: of the last use.
CREATE TABLE text (sha256 TEXT PRIMARY KEY, body TEXT NOT NULL, arrival INTEGER NOT NULL) STRICT;
CREATE INDEX text_arrival ON text (arrival);

-- The fold over each incident's events, for queries.
CREATE TABLE incident (
  key TEXT PRIMARY KEY, "group" TEXT NOT NULL, same TEXT NOT NULL, category TEXT NOT NULL,
  state TEXT NOT NULL, opened_at INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX incident_one_open ON incident ("group", same) WHERE state != 'closed';
CREATE INDEX incident_opened_at ON incident (opened_at);

-- Of each key prefix, the number up to which retention has removed every incident. Stays for
-- ever (at most five short rows a day): the numbers must not be given again.
CREATE TABLE removed (prefix TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;

CREATE TABLE outbox (
  id INTEGER PRIMARY KEY, incident TEXT NOT NULL, seq INTEGER NOT NULL, purpose TEXT NOT NULL,
  person TEXT NOT NULL, due INTEGER NOT NULL, since INTEGER NOT NULL, attempts INTEGER NOT NULL,
  channel TEXT NOT NULL, ended TEXT NOT NULL, detail TEXT NOT NULL, ended_at INTEGER NOT NULL,
  UNIQUE (incident, seq, person)
) STRICT;
CREATE INDEX outbox_waiting ON outbox (due) WHERE ended = '';
CREATE INDEX outbox_ended ON outbox (ended);

CREATE TABLE timer (
  incident TEXT NOT NULL, kind TEXT NOT NULL, due INTEGER NOT NULL, PRIMARY KEY (incident, kind)
) STRICT;
CREATE INDEX timer_due ON timer (due);

-- The rules' state: rows by key, and on top of them, in order, what later steps changed: an
-- alarm's transaction writes one row whatever else has moved since the last save.
CREATE TABLE rule_state (key TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;
CREATE TABLE rule_step (seq INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT;
