"""Labelled recordings, told to the shipped packs: one module per recording."""
