"""The record: signing it, anchoring it outside, and finding whatever was done to it."""
