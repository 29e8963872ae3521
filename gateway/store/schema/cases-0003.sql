-- Contacts of places, what a device's life needs, more ways to reach a person.
ALTER TABLE place ADD COLUMN contact TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN serial TEXT NOT NULL DEFAULT '';
ALTER TABLE device ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE device ADD COLUMN because TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN email TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN accounts TEXT NOT NULL DEFAULT '{}';
ALTER TABLE person ADD COLUMN quiet TEXT NOT NULL DEFAULT '';
-- Why a row waits though nothing failed, and the channel of its person to begin with.
ALTER TABLE outbox ADD COLUMN held TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN rung INTEGER NOT NULL DEFAULT 0;
