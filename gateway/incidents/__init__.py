"""The case's state machine, its time limits, and the desk where changes become incidents."""
