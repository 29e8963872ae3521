"""``gridwarden demo``: real recordings through the real gateway, with no server needed."""
