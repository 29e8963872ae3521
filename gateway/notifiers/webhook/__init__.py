"""Tells a person through any program that takes a JSON POST."""
