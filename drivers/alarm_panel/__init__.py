"""Alarm panels that report to a receiving centre: SIA DC-09 over IP, and Sur-Gard receivers."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "报警主机:SIA DC-09(TCP、UDP)与 Sur-Gard 接收机(串口、TCP)",
    "alarm panels: SIA DC-09 over TCP and UDP, Sur-Gard receivers on a serial line or TCP",
)
LEVEL: Final = "sturdy"
