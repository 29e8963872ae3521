-- The row whose message tells of this one as well; and a person may have two rows for one event, the
-- second by the next channel because the first was not seen in time.
CREATE TABLE outbox_0005 (
  id INTEGER PRIMARY KEY, incident TEXT NOT NULL, seq INTEGER NOT NULL, purpose TEXT NOT NULL,
  person TEXT NOT NULL, due INTEGER NOT NULL, since INTEGER NOT NULL, attempts INTEGER NOT NULL,
  channel TEXT NOT NULL, ended TEXT NOT NULL, detail TEXT NOT NULL, ended_at INTEGER NOT NULL,
  held TEXT NOT NULL, rung INTEGER NOT NULL, digest INTEGER NOT NULL,
  UNIQUE (incident, seq, person, rung)
) STRICT;
INSERT INTO outbox_0005
  SELECT id, incident, seq, purpose, person, due, since, attempts, channel, ended, detail, ended_at,
    held, rung, 0 FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_0005 RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (due) WHERE ended = '';
CREATE INDEX outbox_ended ON outbox (ended);
CREATE INDEX outbox_digest ON outbox (digest) WHERE digest > 0;

-- What channels with a quota were asked to take; a row goes when no quota counts it any more.
CREATE TABLE sent (
  row INTEGER PRIMARY KEY, channel TEXT NOT NULL, person TEXT NOT NULL, at INTEGER NOT NULL
) STRICT;
CREATE INDEX sent_at ON sent (at);

-- Maintenance silences, those that are over too: who kept an alarm from people has to be known.
CREATE TABLE silence (
  id INTEGER PRIMARY KEY, place TEXT NOT NULL, device TEXT NOT NULL, rule TEXT NOT NULL,
  category TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL, because TEXT NOT NULL,
  by TEXT NOT NULL, made INTEGER NOT NULL, ended_by TEXT NOT NULL, ends INTEGER NOT NULL
) STRICT;
CREATE INDEX silence_until ON silence (until);
