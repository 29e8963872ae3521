-- What the rules and the registry say, by the digest of it. Records name it, so that whoever
-- reads them again sees at each of them what the rules saw.
CREATE TABLE edition (
    digest TEXT PRIMARY KEY,
    what   TEXT NOT NULL,         -- rules or registry
    body   BLOB NOT NULL          -- zlib of MessagePack
);

-- Which record names which edition; written in the commit of the record.
CREATE TABLE edition_use (
    n      INTEGER PRIMARY KEY,
    what   TEXT NOT NULL,
    digest TEXT NOT NULL
);
