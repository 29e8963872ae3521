"""Options of the notifier ``sms_modem``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.options import Duration, PluginOptions


class Options(PluginOptions):
    """Which modem, how often, and how much is written."""

    driver: str = Field(min_length=1, max_length=40)
    """The name of a configured driver with a modem."""
    every: Annotated[Duration, Field(ge=0, le=3_600)] = 6.0
    """One message in this time at most: carriers block cards that send like machines."""
    form: Literal["short", "full"] = "short"
    """What matters most in one message, or everything in up to ``parts`` messages."""
    parts: int = Field(3, ge=1, le=10)
    replies: bool = True
    """Say that 1 receives and 2 closes, where that still fits."""
