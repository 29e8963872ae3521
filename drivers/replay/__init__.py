"""Replay: plays a recording of readings, at any speed."""
