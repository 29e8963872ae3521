"""Options of the sink ``homeassistant``."""

from __future__ import annotations

from pydantic import Field

from gateway.broker import BrokerOptions


class Options(BrokerOptions):
    """The broker that Home Assistant listens to, and what it is told."""

    prefix: str = Field("homeassistant", pattern=r"^[^+#]{1,200}$")
    """Home Assistant's discovery prefix."""
    base: str = Field("gridwarden", pattern=r"^[A-Za-z0-9_-]{1,60}$")
    """Where states are published, and what ids begin with: another one for each gateway."""
    unknown: bool = False
    """Whether devices that nobody registered are announced, too."""
