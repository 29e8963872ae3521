-- In what order events and ends of messages were committed: what readers of the record go by.
-- An event has its seq, the end of a message its id; the other one is 0.
CREATE TABLE commit_order (
  n INTEGER PRIMARY KEY, incident TEXT NOT NULL, seq INTEGER NOT NULL, message INTEGER NOT NULL
) STRICT;
-- What was there before is numbered by when it came, or was written.
INSERT INTO commit_order
  SELECT row_number() OVER (ORDER BY came, message, incident, seq), incident, seq, message FROM (
    SELECT arrival AS came, incident, seq, 0 AS message FROM event
    UNION ALL
    SELECT since AS came, incident, 0 AS seq, id AS message FROM outbox WHERE ended != ''
  ) AS past;
CREATE INDEX commit_order_incident ON commit_order (incident);

-- How far each of them has come: in this order, and in time (wall ns).
CREATE TABLE series_bookmark (
  reader TEXT PRIMARY KEY, n INTEGER NOT NULL, wall INTEGER NOT NULL
) STRICT;

-- The battery of a device now and then, in per cent: what a forecast rests on.
CREATE TABLE battery_past (
  device TEXT NOT NULL, day INTEGER NOT NULL, percent REAL NOT NULL, PRIMARY KEY (device, day)
) STRICT;
