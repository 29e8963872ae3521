"""Patrols: rounds that officers walk, where they checked in, and what was missed."""
