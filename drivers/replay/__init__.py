"""Replay: plays a recording of readings, at any speed."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("按任意速度回放录制的读数", "plays a recording of readings at any speed")
LEVEL: Final = "works"
