"""Gridwarden, the program: see README.md in this folder for the map."""
