-- One row per commit group: a row per reading would cost a page of the card each.
CREATE TABLE chunk (
    first    INTEGER PRIMARY KEY, -- number of its first record; numbers are dense
    count    INTEGER NOT NULL,
    urgent   INTEGER NOT NULL,    -- how many of them belong to the alarm lane
    received INTEGER NOT NULL,    -- items ever received, refused ones included, after this commit
    arrival  INTEGER NOT NULL,    -- of its last record
    wall     INTEGER NOT NULL,    -- of its last record
    boot     TEXT    NOT NULL,
    trusted  INTEGER NOT NULL,    -- whether the wall clock was believed throughout
    body     BLOB    NOT NULL     -- zlib of a MessagePack array of records
);

-- One row, rewritten only by a commit that refused something.
CREATE TABLE tally (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    received INTEGER NOT NULL,
    refused  BLOB    NOT NULL     -- MessagePack map of reason -> count
);

CREATE TABLE bookmark (
    reader    TEXT    NOT NULL,
    lane      TEXT    NOT NULL,
    n         INTEGER NOT NULL,   -- everything of this lane up to here is done
    delivered INTEGER NOT NULL,
    dropped   BLOB    NOT NULL,   -- MessagePack map of reason -> count
    PRIMARY KEY (reader, lane)
) WITHOUT ROWID;

CREATE TABLE quarantine (
    id     INTEGER PRIMARY KEY,
    wall   INTEGER NOT NULL,
    source TEXT    NOT NULL,      -- driver and topic, or sink
    n      INTEGER NOT NULL,      -- the record a sink refused; 0 for bytes a driver could not read
    reason TEXT    NOT NULL,
    raw    BLOB    NOT NULL
);

-- What wall time minus monotonic time turned out to be in a boot that began without a clock.
CREATE TABLE clock_offset (
    boot   TEXT    PRIMARY KEY,
    offset INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
