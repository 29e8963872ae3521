"""The past again: what other rules would have done with it, and why things were as they were.

Reads the stores and never writes; decides nothing by itself.
"""
