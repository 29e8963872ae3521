"""Options that every chat robot has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.options import Duration, PluginOptions, Secret


class RobotOptions(PluginOptions):
    """What every chat robot lets its owner choose."""

    url: Secret
    """The whole address as the app shows it: who has it can post."""
    mention: bool = True
    """Whether the message calls its reader by name."""
    everybody: bool = False
    """Whether a critical alarm of life safety calls everybody in the group."""
    per_minute: Annotated[int, Field(ge=5, le=20)] = 20
    """Fewer where another program posts through the same robot."""
    timeout: Annotated[Duration, Field(gt=0, le=25)] = 5.0
