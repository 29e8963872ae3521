"""What can be configured for The Things Stack."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from drivers.mqtt.lorawan.codec_options import CodecOptions


class Options(CodecOptions):
    """An application of The Things Stack v3."""

    application: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,36}(@[a-z0-9-]{1,36})?$|^\+$")] = "+"
    """``{application id}@{tenant id}``, as in the username; + for every one the key may read."""
    simulated: bool = False
    """Whether uplinks count that somebody simulated in the server's console."""
