"""From a due outbox row to a message: the ordered stages, the wording, and the teller's loop."""
