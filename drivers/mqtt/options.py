"""What can be configured for an MQTT broker and its dialects."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    create_model,
    model_validator,
)

from drivers._fields import known_kind
from drivers.mqtt.topics import PlainTopic
from gateway.options import Duration, PluginOptions, Secret, SitePath, Size

_FOLDER: Final = Path(__file__).with_name("dialects")
PACKAGE: Final = f"{__name__.rpartition('.')[0]}.dialects"
"""Where dialects lie; each is imported only when it is asked for."""
MAX_OUTPUTS: Final = 64


class Chosen(NamedTuple):
    """A dialect by its folder, and its own options."""

    name: str
    options: PluginOptions


class _Choice(PluginOptions):
    """One dialect; its fields are the folders of ``dialects/``."""

    @model_validator(mode="before")
    @classmethod
    def _one(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            return raw
        if len(raw) != 1:
            raise ValueError(f"one dialect for each list entry: {', '.join(DIALECTS)}")
        return {name: {} if options is None else options for name, options in raw.items()}

    @property
    def chosen(self) -> Chosen:
        """What was written."""
        (found,) = (
            Chosen(name, options)
            for name in DIALECTS
            if (options := getattr(self, f"{name}_")) is not None
        )
        return found


def _folders() -> Iterator[str]:
    for module in pkgutil.iter_modules([str(_FOLDER)]):
        if module.ispkg and not module.name.startswith("_"):
            yield module.name


def _options(name: str) -> type[PluginOptions]:
    """The options of dialect ``name``; importing them imports no library of its own."""
    module = importlib.import_module(f"{PACKAGE}.{name}.options")
    found: type[PluginOptions] = module.Options
    return found


DIALECTS: Final = tuple(sorted(_folders()))
_fields: dict[str, Any] = {
    f"{name}_": (_options(name) | None, Field(None, alias=name)) for name in DIALECTS
}
if TYPE_CHECKING:
    DialectOptions = _Choice
else:
    DialectOptions = create_model("DialectOptions", __base__=_Choice, **_fields)


class TlsOptions(PluginOptions):
    """TLS. Without ``ca`` the system's authorities are believed."""

    ca: SitePath | None = None
    cert: SitePath | None = None
    key: SitePath | None = None

    @model_validator(mode="after")
    def _pair(self) -> TlsOptions:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together")
        return self


def _said(value: Any) -> Any:
    """What a device understands: ``true`` and ``1`` are texts as well."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else value


_Payload = Annotated[str, BeforeValidator(_said), Field(max_length=1_000)]


class Output(PluginOptions):
    """A siren or a strobe that a message switches."""

    topic: PlainTopic
    on: _Payload = "ON"
    off: _Payload = "OFF"
    qos: Literal[0, 1] = 1
    state: PlainTopic | None = None
    """Where the device says how it is."""
    state_on: _Payload = ""
    state_off: _Payload = ""
    """What it says there, where that is not ``on`` and ``off``."""
    field: str = Field("", max_length=200)
    """Where it says that in a JSON object, as ``params.on``."""
    within: Annotated[Duration, Field(ge=0.1, le=20)] = 5.0
    """How long the device may take to say so."""
    at_most: Annotated[Duration, Field(gt=0, le=86_400)] = 300.0
    """It is switched off by itself after this time, whoever switched it on."""
    kind: Annotated[str, AfterValidator(known_kind)] = "power"

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        if not self.on or not self.off or self.on == self.off:
            raise ValueError("on and off are two different texts, neither of them empty")
        if self.state is None and (self.state_on or self.state_off or self.field):
            raise ValueError("state_on, state_off and field are for a state topic")
        said = [(self.state_on or self.on), (self.state_off or self.off)]
        if said[0].strip().lower() == said[1].strip().lower():
            raise ValueError("state_on and state_off are the same")
        if self.state is None and self.qos == 0:
            raise ValueError("with qos 0 nobody knows whether it arrived; name a state topic")
        if self.state == self.topic:
            raise ValueError("state is another topic: there we would hear ourselves")
        return self


class Options(PluginOptions):
    """A broker."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(1883, ge=1, le=65_535)
    tls: TlsOptions | None = None
    username: str = ""
    password: Secret | None = None
    client_id: str = Field("", max_length=200)
    qos: Literal[0, 1] = 1
    inflight: int = Field(20, ge=1, le=65_535)
    keepalive: Duration = Field(60.0, ge=5, le=3600)
    max_payload: Size = Field(1_000_000, ge=1_000, le=64_000_000)
    watch_drops: bool = True
    canary: PlainTopic | None = "gridwarden/canary"
    """Below it the canary's report is published and read back; None: not on this broker."""
    dialects: tuple[DialectOptions, ...] = ()
    outputs: dict[Annotated[str, Field(min_length=1, max_length=64)], Output] = Field(
        {}, max_length=MAX_OUTPUTS
    )
    _trial: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _login(self) -> Options:
        if self.password is not None and not self.username:
            raise ValueError("a password needs a username")
        return self

    @model_validator(mode="after")
    def _something(self) -> Options:
        if not self.dialects and not self.outputs:
            raise ValueError("write dialects: or outputs:, else there is nothing to do")
        return self

    def for_trial(self) -> Self:
        """With a session that the broker forgets when the trial ends, queue and all."""
        trial = super().for_trial()
        trial._trial = True
        return trial

    @property
    def is_trial(self) -> bool:
        """Whether nothing may be left on the broker."""
        return self._trial

    @property
    def window(self) -> int | None:
        """The broker's ``max_inflight_messages``."""
        return self.inflight
