"""Options of the notifier ``dingtalk``."""

from __future__ import annotations

from pydantic import Field

from gateway.notifiers._chat_options import RobotOptions
from gateway.options import Secret


class Options(RobotOptions):
    """Besides the address, whatever protects the robot: a signature, a keyword, or neither."""

    secret: Secret | None = None
    """Of the signature (加签); begins with SEC."""
    keyword: str = Field("", max_length=60)
    """One of the robot's keywords: without it the robot takes no message."""
