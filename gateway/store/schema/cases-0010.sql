-- From when on (wall ns) each patrol point is walked; 0: longer than that was noted.
CREATE TABLE patrol_point (id TEXT PRIMARY KEY, since INTEGER NOT NULL) STRICT;

-- How often the patrol links of a person were ended: what they are signed with.
CREATE TABLE patrol_links (person TEXT PRIMARY KEY, ended INTEGER NOT NULL) STRICT;
