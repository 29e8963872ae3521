-- The record's anchors: signed statements about the heads of the chains, themselves a chain.
-- body: JSON, the very bytes that hash and signature are of.
CREATE TABLE anchor (
  n INTEGER PRIMARY KEY, hash TEXT NOT NULL, body TEXT NOT NULL, signature TEXT NOT NULL
) STRICT;

-- Incidents that went on, or were removed by retention, since the last anchor.
CREATE TABLE moved (incident TEXT PRIMARY KEY) STRICT;
INSERT INTO moved SELECT key FROM incident;
