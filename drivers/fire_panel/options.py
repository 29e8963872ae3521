"""What can be configured for the port that user information transmission devices call."""

from __future__ import annotations

import re
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BeforeValidator, Field, PlainValidator, PrivateAttr, field_validator

from drivers._fields import known_kind
from gateway.options import Duration, PluginOptions, SitePath

LONGEST_DATA: Final = 1024
"""Bytes of application data, GB/T 26875.3 table 1."""
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_UNIT: Final = re.compile(r"[0-9a-f]{1,12}")

Order = Literal["little", "big"]
Sum = Literal["standard", "with_start", "control_unit", "data_unit", "ignored"]


def unit_address(raw: Any) -> str:
    """Twelve hex digits from up to twelve; blanks and colons between them are dropped."""
    if isinstance(raw, str):
        digits = re.sub(r"[ :]", "", raw).lower()
        if _UNIT.fullmatch(digits):
            return digits.zfill(12)
    raise ValueError(f"{raw!r} is no device address; write up to 12 hex digits in quotes")


def network(raw: Any) -> IPv4Network | IPv6Network:
    """An address, or a network as 10.1.0.0/16."""
    try:
        return ip_network(raw if isinstance(raw, str) else "")
    except ValueError:
        raise ValueError(f"{raw!r} is no address and no network like 10.1.0.0/16") from None


Network = Annotated[IPv4Network | IPv6Network, PlainValidator(network)]
UnitAddress = Annotated[str, BeforeValidator(unit_address)]


class Options(PluginOptions):
    """One port; every transmission device of the site may call it."""

    host: str = Field("0.0.0.0", min_length=1)  # noqa: S104  # devices call from elsewhere
    port: int = Field(ge=1, le=65_535)
    connections: int = Field(64, ge=1, le=1_000)
    idle: Duration = Field(1_800.0, ge=10, le=604_800)
    callers: tuple[Network, ...] = Field((), max_length=100)
    units: tuple[UnitAddress, ...] = Field((), max_length=1_000)
    components: SitePath | None = None
    kinds: dict[int, str] = Field({}, max_length=256)
    zone: Annotated[str, Field(pattern=r"^[+-](0\d|1[0-4]):[0-5]\d$")] = "+08:00"
    supervise: Annotated[Duration, Field(ge=1, le=604_800)] | None = None
    hold: Duration = Field(600.0, ge=1, le=86_400)
    test_bit: Literal["careful", "trusted", "ignored"] = "careful"
    confirm_unknown: bool = True
    read_clock: bool = True
    set_clock: bool = False
    clock_every: Duration = Field(86_400.0, ge=60, le=2_592_000)
    read_at_connect: bool = False
    answer_within: Duration = Field(10.0, gt=0, le=60)
    resends: int = Field(3, ge=0, le=10)
    time_format: Literal["binary", "bcd"] = "binary"
    unit_order: Order = "little"
    component_order: Order = "little"
    checksum: Sum = "standard"
    max_length: int = Field(LONGEST_DATA, ge=64, le=8_192)
    _trial: bool = PrivateAttr(default=False)

    @field_validator("kinds")
    @classmethod
    def _kinds(cls, kinds: dict[int, str]) -> dict[int, str]:
        for number, kind in kinds.items():
            if not 0 <= number <= 255:
                raise ValueError(f"{number} is no component type; they go from 0 to 255")
            known_kind(kind)
        return kinds

    def for_trial(self) -> Self:
        """For a run that stores nothing: nothing is confirmed, so the devices send it again.

        Only simulated devices can call loopback; they are confirmed.
        """
        trial = super().for_trial()
        trial._trial = self.host not in _LOOPBACK
        return trial

    @property
    def is_trial(self) -> bool:
        """Whether callers must get no answer."""
        return self._trial

    @property
    def asks(self) -> bool:
        """Whether devices are asked anything by ourselves."""
        return not self._trial and (self.read_clock or self.set_clock or self.read_at_connect)

    @property
    def offset(self) -> timedelta:
        """``zone`` as the time that local clocks are ahead of UTC."""
        ahead = timedelta(hours=int(self.zone[1:3]), minutes=int(self.zone[4:]))
        return -ahead if self.zone[0] == "-" else ahead
