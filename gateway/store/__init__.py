"""The only place with durability: the journal, incidents, outbox, timers, quarantine, evidence."""
