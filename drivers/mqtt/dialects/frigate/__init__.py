"""Frigate: what its cameras see, as objects and reviews."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("Frigate 识别的人、车和声音", "people, cars and sounds that Frigate recognises")
LEVEL: Final = "works"
