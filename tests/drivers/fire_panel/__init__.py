"""Tests of the fire_panel driver."""
