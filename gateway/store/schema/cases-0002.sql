-- The words that rules choose a device by, as a JSON list.
ALTER TABLE device ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';
