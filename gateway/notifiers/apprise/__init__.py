"""Tells a person through the library apprise: what we have no folder for."""
