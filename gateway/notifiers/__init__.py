"""Channels to a person, one folder each."""
