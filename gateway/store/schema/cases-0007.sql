-- Who was at which patrol point, and up to where the rounds have been looked at (wall ns).
CREATE TABLE checkin (
  id INTEGER PRIMARY KEY, point TEXT NOT NULL, person TEXT NOT NULL, wall INTEGER NOT NULL,
  arrival INTEGER NOT NULL, trusted INTEGER NOT NULL, metres REAL,
  UNIQUE (point, person, wall)
) STRICT;
CREATE INDEX checkin_wall ON checkin (wall);
CREATE INDEX checkin_arrival ON checkin (arrival);
