"""The board's own pins: dry contacts are read, sirens and strobes switched."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "板上的 GPIO 引脚:干接点输入,警号和频闪灯输出",
    "The board's own GPIO pins: dry contacts in, sirens and strobes out",
)
LEVEL: Final = "works"
