"""Sparkplug B: edge nodes of industrial systems and their devices."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("Sparkplug B 边缘节点及其设备", "Sparkplug B edge nodes and their devices")
LEVEL: Final = "works"
