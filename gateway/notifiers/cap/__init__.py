"""Tells other systems: each incident as documents of the Common Alerting Protocol."""
