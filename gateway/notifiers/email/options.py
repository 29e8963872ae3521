"""Options of the notifier ``email``."""

from __future__ import annotations

import ipaddress
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway.notifiers.email.letter import is_address
from gateway.options import Duration, PluginOptions, QuotaOptions, Secret, SitePath

_PORTS: Final = {"starttls": 587, "ssl": 465, "none": 25}


def _address(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} is no e-mail address; write it like alarm@example.org")
    return value


def _plain(value: str) -> str:
    if not value.isprintable() or value != value.strip():
        raise ValueError("must be a text that can be shown, without spaces around it")
    return value


class Options(PluginOptions):
    """A mail server that takes messages from us, and how to log in there."""

    host: Annotated[str, AfterValidator(_plain)] = Field(min_length=1, max_length=255)
    port: int | None = Field(None, ge=1, le=65_535)
    """Without it 587, 465 or 25, as ``tls`` says."""
    tls: Literal["starttls", "ssl", "none"] = "starttls"
    ca: SitePath | None = None
    """Who is believed besides the system's authorities; a self-signed certificate itself."""
    unencrypted: bool = False
    """``tls: none`` to another machine is meant: everybody on the way can read and change."""
    username: Annotated[str, AfterValidator(_plain)] = Field("", max_length=255)
    password: Secret | None = None
    sender: Annotated[str, AfterValidator(_address)]
    sender_name: Annotated[str, AfterValidator(_plain)] = Field("Gridwarden", max_length=60)
    timeout: Annotated[Duration, Field(gt=0, le=60)] = 20.0
    """Of one attempt, from connecting to the server's last word."""
    quotas: tuple[QuotaOptions, ...] = Field((), max_length=4)

    @model_validator(mode="after")
    def _safe(self) -> Self:
        if (self.password is None) != (not self.username):
            raise ValueError("username and password belong together")
        if self.tls == "none" and not self.unencrypted and not _is_loopback(self.host):
            raise ValueError(
                "tls: none sends names and passwords in the open; write unencrypted: true if"
                " that is meant"
            )
        if self.tls == "none" and self.ca is not None:
            raise ValueError("ca has no use with tls: none")
        return self

    @property
    def at(self) -> int:
        """The port."""
        return self.port if self.port is not None else _PORTS[self.tls]


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
