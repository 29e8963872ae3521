"""Readings and points to InfluxDB 1.x to 3.x, and to what speaks their write protocol."""
