"""Shelly: detectors, contacts, relays and meters of the first generation and of the later ones."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "Shelly 烟感、水浸、门磁、人感、燃气与电能设备(各代)",
    "Shelly detectors, contacts, relays and meters (all generations)",
)
LEVEL: Final = "works"
