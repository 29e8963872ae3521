"""Options of the notifier ``wecom``."""

from __future__ import annotations

from gateway.notifiers._chat_options import RobotOptions


class Options(RobotOptions):
    """The address is all that the robot needs."""
