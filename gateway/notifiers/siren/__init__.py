"""Tells everybody near by: a siren or a strobe on an output of a driver."""
