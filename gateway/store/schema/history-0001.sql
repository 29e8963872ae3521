-- What the journal said, in cells of a minute: all of it can be made again from the journal.
-- One row for each stretch of the journal that was folded at once.
CREATE TABLE stretch (
    id     INTEGER PRIMARY KEY,
    oldest INTEGER NOT NULL,      -- wall ns of its first cell; event times, so stretches overlap
    newest INTEGER NOT NULL       -- wall ns of the end of its last cell
);

-- Their names stand here once: a stretch has a row for each device.
CREATE TABLE device (
    number INTEGER PRIMARY KEY,
    name   TEXT    NOT NULL UNIQUE
);

-- The devices of one stretch lie together: a row for each device at its own place in the file
-- would cost a page of the card each.
CREATE TABLE cells (
    id   INTEGER PRIMARY KEY,     -- 16777216 * stretch + number of the device
    body BLOB    NOT NULL         -- zlib of MessagePack, see gateway/history/cells.py
);

-- One row: everything up to record n of this journal is in the stretches.
CREATE TABLE bookmark (
    id      INTEGER PRIMARY KEY CHECK (id = 1),
    journal TEXT    NOT NULL,
    n       INTEGER NOT NULL
);
