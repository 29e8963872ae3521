"""Readings from a serial line: one text line or one fixed-length frame is one report."""
