"""Options of the notifier ``webhook``."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from gateway.options import Duration, PluginOptions, Secret
from gateway.web import check_url

_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS: Final = ("content-type", "content-length", "host", "idempotency-key")


def _header(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{name!r} is no name of a header")
    if name.lower() in _OURS or name.lower().startswith("x-gridwarden-"):
        raise ValueError(f"the header {name} is set by Gridwarden")
    return name


def _text(value: str | Secret) -> str | Secret:
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("a header is one printable line")
    return value


def _url(value: str | Secret) -> str | Secret:
    return check_url(value) if isinstance(value, str) else value


class Options(PluginOptions):
    """Where to post."""

    url: Annotated[str | Secret, AfterValidator(_url)]
    """Where its path or query is a secret, as ``{file: PATH}`` or ``{env: NAME}``."""
    headers: dict[
        Annotated[str, AfterValidator(_header)], Annotated[str | Secret, AfterValidator(_text)]
    ] = Field({}, max_length=20)
    hmac: Secret | None = None
    """Key of ``X-Gridwarden-Signature: sha256=HEX``, the HMAC-SHA256 of the body."""
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 5.0
