"""Everything that brings readings in: one folder per driver, shared code in ``_*.py``."""
