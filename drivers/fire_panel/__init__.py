"""Fire panels: user information transmission devices by GB/T 26875.3-2011 that call over TCP."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "消防用户信息传输装置(GB/T 26875.3-2011,TCP)",
    "fire panels by their user information transmission devices (GB/T 26875.3-2011, TCP)",
)
LEVEL: Final = "sturdy"
