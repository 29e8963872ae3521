"""Tells a person by e-mail."""
