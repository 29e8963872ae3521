"""Places that readings are streamed to, one folder each."""
