"""The alarm panel driver's options: one receiver, of DC-09 or of Sur-Gard lines."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from drivers._port_options import PortOptions
from gateway.options import Duration, PluginOptions, Secret

_Ip = Annotated[str, Field(min_length=1, max_length=253)]
_TcpPort = Annotated[int, Field(ge=1, le=65_535)]
_MOST: Final = 64
"""TCP callers at once, for few accounts."""
_Number = Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,16}$")]


class Account(PluginOptions):
    """One panel, or one part of it, by the number under which it reports."""

    account: _Number
    line: Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{0,16}$")] | None = None
    """Only where two panels share a number: the L field that this one sends."""
    name: str = Field("", pattern=r"^[^:]{0,64}$")
    """Its device address; the account as written here without one."""
    key: Secret | None = None
    key_form: Literal["auto", "hex", "text"] = "auto"
    plain: bool = False
    """Also take messages that are not encrypted, though there is a key."""
    timestamp: Literal["checked", "believed", "ignored"] = "checked"
    zone: str = Field("+00:00", pattern=r"^[+-]\d\d:\d\d$")
    """Offset of a panel that sends its local time; the standard's is UTC."""
    supervise: Duration | None = None
    bad_crc: bool = False
    partitions: bool = False
    encoding: Literal["cp1252", "gb18030"] = "cp1252"

    @property
    def address(self) -> str:
        """The device address of the panel itself."""
        return self.name or self.account.upper()

    @property
    def line_number(self) -> str | None:
        """``line`` as it is compared; None: any."""
        return None if self.line is None else number(self.line)

    @property
    def zone_minutes(self) -> int:
        """``zone`` in minutes east of Greenwich."""
        minutes = int(self.zone[1:3]) * 60 + int(self.zone[4:])
        return -minutes if self.zone[0] == "-" else minutes

    @field_validator("supervise")
    @classmethod
    def _some_time(cls, seconds: float | None) -> float | None:
        if seconds is not None and seconds < 1:
            raise ValueError("supervise is at least 1s; three times the panel's interval is usual")
        return seconds


class Dc09(PluginOptions):
    """A receiver that panels call over IP."""

    host: _Ip = "0.0.0.0"  # noqa: S104  # panels call from outside
    tcp_port: _TcpPort | None = None
    udp_port: _TcpPort | None = None
    accounts: list[Account] = Field([], max_length=5_000)
    unknown: Literal["duh", "nak", "accept"] = "duh"
    behind: Duration = 40.0
    ahead: Duration = 20.0
    connections: int | None = Field(None, ge=1, le=10_000)
    idle: Duration = 900.0

    @property
    def most(self) -> int:
        """Callers at once: panels may stay on the line, and one that broke off counts twice."""
        return self.connections or max(_MOST, 2 * len(self.accounts))

    @model_validator(mode="after")
    def _reachable(self) -> Self:
        if self.tcp_port is None and self.udp_port is None:
            raise ValueError("write tcp_port, udp_port, or both with the same number")
        if not self.accounts and self.unknown != "accept":
            raise ValueError("name at least one account, or write unknown: accept")
        spelled = Counter((number(each.account), each.line_number) for each in self.accounts)
        if (twice := spelled.most_common(1)) and twice[0][1] > 1:
            raise ValueError(f"account {twice[0][0][0]} is written twice")
        called = Counter(each.address for each in self.accounts)
        if (twins := called.most_common(1)) and twins[0][1] > 1:
            raise ValueError(f"two accounts are called {twins[0][0]}; give one of them a name")
        return self


class SurGard(PluginOptions):
    """A receiver of the alarm centre that passes its lines on."""

    port: str | None = Field(None, min_length=1, max_length=256)
    baud: int = Field(9600, ge=50, le=4_000_000)
    bytesize: Literal[7, 8] = 8
    parity: Literal["none", "even", "odd"] = "none"
    stopbits: Literal[1, 2] = 1
    host: _Ip = "0.0.0.0"  # noqa: S104  # the receiver calls from outside
    tcp_port: _TcpPort | None = None
    heartbeat: Duration | None = 90.0
    checksum: bool = False
    partitions: bool = False
    connections: int = Field(4, ge=1, le=100)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.port is None) == (self.tcp_port is None):
            raise ValueError("write either port (a serial port) or tcp_port")
        return self

    @property
    def serial(self) -> PortOptions:
        """The serial port; only where ``port`` is given."""
        return PortOptions(
            port=self.port or "",
            baud=self.baud,
            bytesize=self.bytesize,
            parity=self.parity,
            stopbits=self.stopbits,
        )


class Options(PluginOptions):
    """Exactly one of the two."""

    dc09: Dc09 | None = None
    surgard: SurGard | None = None

    @model_validator(mode="after")
    def _one_receiver(self) -> Self:
        if (self.dc09 is None) == (self.surgard is None):
            raise ValueError("write either dc09: or surgard:")
        return self


def number(digits: str) -> str:
    """Account and line numbers are compared without leading zeros and in upper case."""
    return digits.upper().lstrip("0") or "0"
