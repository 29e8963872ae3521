"""Names of timers that belong to no single rule; no rule can be called so."""

from __future__ import annotations

from typing import Final

WINDOW: Final = "(window)"
"""Of a device: a report falls out of a window."""
MODES: Final = "(modes)"
"""Of the site: a plan switches, or a word for a place runs out."""
EXIT: Final = "(exit)"
"""Of a device: the exit delay of some rule is over."""
GROUP: Final = "(group) "
"""With the name of a rule over a place; the device is the place then."""
