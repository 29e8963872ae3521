"""A GSM or LTE modem with a SIM card: text messages out, answers and delivery reports in."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "短信猫(GSM/LTE 模块):发送短信,接收签收、办结回复和送达回执",
    "GSM and LTE modems: text messages out, answers and delivery reports in",
)
LEVEL: Final = "sturdy"
