"""rtl_433: radio sensors of 315, 345, 433, 868 and 915 MHz as a software radio hears them."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "rtl_433 接收的 433/868 MHz 等无线传感器", "radio sensors that rtl_433 hears (433, 868 MHz …)"
)
LEVEL: Final = "works"
