"""Options of the notifier ``feishu``."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.notifiers._chat_options import RobotOptions
from gateway.options import Secret


class Options(RobotOptions):
    """Besides the address, whatever protects the bot: a signature, a keyword, or neither."""

    secret: Secret | None = None
    """Of the signature (签名校验)."""
    keyword: str = Field("", max_length=60)
    """One of the bot's keywords: without it the bot takes no message."""
    per_minute: Annotated[int, Field(ge=5, le=100)] = 100
    """Fewer where another program posts through the same bot."""
