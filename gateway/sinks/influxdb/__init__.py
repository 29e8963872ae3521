"""Readings to InfluxDB 1.x and 2.x, and to what speaks their write protocol."""
