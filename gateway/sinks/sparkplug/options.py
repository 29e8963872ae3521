"""Options of the sink ``sparkplug``."""

from __future__ import annotations

from pydantic import Field

from gateway.broker import BrokerOptions

_ID = r"^[^+/#]{1,100}$"


class Options(BrokerOptions):
    """The broker of the host application, and who we are there."""

    group: str = Field(pattern=_ID)
    """Group id."""
    node: str = Field(pattern=_ID)
    """Edge node id; with the group it must be unique in the whole installation."""
    host_id: str = Field("", pattern=r"^[^+/#]{0,100}$")
    """The primary host: while it is offline, readings wait in the journal. "": there is none."""
    unknown: bool = False
    """Whether devices that nobody registered are published, too."""
