"""Tells a person through the log, and through a file."""
