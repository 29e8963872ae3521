"""Options of the driver ``sms_modem``."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field

from drivers._port_options import PortOptions
from gateway.options import Duration, Secret


class Options(PortOptions):
    """One modem. ``port`` is best a name of /dev/serial/by-id: ttyUSB numbers change."""

    baud: int = Field(115_200, ge=50, le=4_000_000)
    pin: Secret | None = None
    """Of the SIM card; tried once, and only while the card says that all tries are left."""
    country: str = Field("86", pattern=r"^[1-9][0-9]{0,2}$")
    """Whose phone numbers are written without a country."""
    storage: Literal["SM", "ME", "MT"] = "SM"
    """Where messages that come are kept: the card, the modem, both."""
    poll: Annotated[Duration, Field(ge=1, le=3_600)] = 60.0
    """Storage is looked through so often, though nothing was announced."""
    report: bool = True
    """Ask the network whether a message has reached the phone."""
    validity: Annotated[Duration, Field(ge=300, le=38_102_400)] | None = 86_400.0
    """How long the network tries to reach a phone that is off."""
    send_within: Annotated[Duration, Field(ge=5, le=300)] = 60.0
    """The network may take so long to accept a message."""
    stale: Annotated[Duration, Field(ge=60, le=604_800)] = 900.0
    """An answer without a number that was on its way for longer orders nothing."""
    delete: bool = True
    """Take what was read out of the storage; else it fills up, and nothing more comes."""

    def for_trial(self) -> Self:
        """What an officer answers must not be lost to a trial that stores nothing."""
        return super().for_trial().model_copy(update={"delete": False})
