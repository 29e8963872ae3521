"""What can be configured for an MQTT broker and its dialects."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    field_validator,
    model_validator,
)

from drivers._fields import DeviceField, Short, TimeOptions, known_kind, known_values
from gateway.options import Duration, PluginOptions, Secret, SitePath, Size


def check_filter(topic: str) -> str:
    """A topic filter as MQTT 3.1.1 section 4.7 wants it."""
    if not topic or len(topic.encode()) > 65_535 or "\0" in topic:
        raise ValueError("a topic needs 1 to 65,535 bytes and no NUL")
    steps = topic.split("/")
    for index, step in enumerate(steps):
        if step == "#" and index < len(steps) - 1:
            raise ValueError(f"{topic!r}: # can only be the last level")
        if len(step) > 1 and ("+" in step or "#" in step):
            raise ValueError(f"{topic!r}: + and # must be a whole level")
    return topic


Filter = Annotated[str, AfterValidator(check_filter)]


def _device(raw: Any) -> Any:
    """Keeps messages short: a text is a template, anything else must be ``{field: PATH}``."""
    return raw if isinstance(raw, (str, DeviceField)) else DeviceField.model_validate(raw)


class TopicOptions(PluginOptions):
    """One topic filter of the ``json`` dialect and what its payloads hold."""

    topic: Filter
    device: Annotated[str | DeviceField, BeforeValidator(_device)]
    kind: str = ""
    values: dict[str, Short] = Field(min_length=1)
    time: TimeOptions | None = None
    key: str = ""
    extra: Literal["keep", "ignore"] = "keep"
    qos: Literal[0, 1] | None = None

    _kind = field_validator("kind")(known_kind)
    _values = field_validator("values")(known_values)

    @model_validator(mode="after")
    def _placeholders(self) -> TopicOptions:
        wildcards = sum(step in ("+", "#") for step in self.topic.split("/"))
        if isinstance(self.device, str):
            if not self.device:
                raise ValueError("device is empty; write {1}, {topic} or {field: PATH}")
            for word in re.findall(r"\{(\w*)\}", self.device):
                if word != "topic" and not (word.isdecimal() and 1 <= int(word) <= wildcards):
                    raise ValueError(
                        f"device: {{{word}}} is no wildcard of {self.topic!r}, which has"
                        f" {wildcards}; the first is {{1}}, the whole topic is {{topic}}"
                    )
        return self


class JsonOptions(PluginOptions):
    """The ``json`` dialect."""

    topics: tuple[TopicOptions, ...] = Field(min_length=1)


class Zigbee2mqttOptions(PluginOptions):
    """The ``zigbee2mqtt`` dialect: everything below one base topic."""

    base: Filter = "zigbee2mqtt"

    @field_validator("base")
    @classmethod
    def _plain(cls, base: str) -> str:
        if "+" in base or "#" in base or base.endswith("/"):
            raise ValueError("base is a plain topic without wildcards and without / at the end")
        return base


class DialectOptions(PluginOptions):
    """One of the two."""

    zigbee2mqtt: Zigbee2mqttOptions | None = None
    json_: JsonOptions | None = Field(None, alias="json")

    @model_validator(mode="before")
    @classmethod
    def _one(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and len(raw) != 1:
            raise ValueError("one dialect for each list entry: zigbee2mqtt or json")
        if isinstance(raw, dict) and raw.get("zigbee2mqtt", ...) is None:
            return {"zigbee2mqtt": {}}
        return raw


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
    dialects: tuple[DialectOptions, ...] = Field(min_length=1)
    _trial: bool = PrivateAttr(default=False)

    @model_validator(mode="after")
    def _login(self) -> Options:
        if self.password is not None and not self.username:
            raise ValueError("a password needs a username")
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
