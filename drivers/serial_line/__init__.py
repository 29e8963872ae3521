"""Readings from a serial line: one text line or one frame is one report."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "串口上的文本行或数据帧,按声明解析", "declared lines or frames on a serial port"
)
LEVEL: Final = "sturdy"
