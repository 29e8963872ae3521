"""Home Assistant discovery messages: any device that announces itself so, read without it."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "以 Home Assistant 发现报文宣告自己的设备",
    "devices that announce themselves by Home Assistant discovery messages",
)
LEVEL: Final = "sturdy"
