"""What can be configured for a ChirpStack network server."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator

from drivers.mqtt.lorawan.codec_options import CodecOptions
from drivers.mqtt.topics import check_plain


def _prefix(written: str) -> Any:
    return check_plain(written) if written else written


class Options(CodecOptions):
    """A ChirpStack server's events, as its JSON marshaler writes them."""

    prefix: Annotated[str, AfterValidator(_prefix)] = ""
    """What a bridge puts before the topics."""
