"""Grids, places, devices and people, from the CSV files that communities keep."""

from gateway.registry.read import digest, read_csv

__all__ = ["digest", "read_csv"]
