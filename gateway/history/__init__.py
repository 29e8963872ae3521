"""The last weeks of every device in cells of a minute, read from the journal for charts."""
