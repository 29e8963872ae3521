"""What every sink does that publishes on an MQTT broker: options, one connection, both errors.

aiomqtt carries the messages; it is imported when the first connection is made.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, NamedTuple, Self

from pydantic import Field, model_validator

from gateway.options import Duration, PluginOptions, Secret, SinkOptions, SitePath
from gateway.ports import Unavailable, in_words

_ANSWER_WITHIN: Final = 10.0
"""Seconds for a connection and for each acknowledgement."""
_AT_ONCE: Final = 50
"""Messages that wait for their acknowledgement together."""

Heard = Callable[[str, bytes], Awaitable[None]]
"""Called with topic and payload of what a subscription brings."""


class BrokerTls(PluginOptions):
    """TLS. Without ``ca`` the system's authorities are believed."""

    ca: SitePath | None = None
    cert: SitePath | None = None
    key: SitePath | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key belong together")
        return self


class BrokerOptions(SinkOptions):
    """Where to publish, and as whom."""

    host: str = Field("127.0.0.1", min_length=1)
    port: int = Field(1883, ge=1, le=65_535)
    tls: BrokerTls | None = None
    username: str = ""
    password: Secret | None = None
    client_id: str = Field("", max_length=200)
    keepalive: Duration = Field(60.0, ge=5, le=3600)

    @model_validator(mode="after")
    def _login(self) -> Self:
        if self.password is not None and not self.username:
            raise ValueError("a password needs a username")
        return self


class Said(NamedTuple):
    """One message to publish."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


class Broker:
    """One connection at a time, made when it is needed. Not for several writers at once."""

    def __init__(
        self, name: str, options: BrokerOptions, heard: Heard | None = None, *, identity: str = ""
    ) -> None:
        """``identity``: what tells this gateway's connection from others on that broker.

        Two that share a client id would throw each other out for ever.
        """
        self._name = name
        self._options = options
        self._client_id = options.client_id or f"gridwarden-{identity or name}"
        self._where = f"{options.host}:{options.port}"
        self._heard = heard
        self._client: Any = None
        self._listening: asyncio.Task[None] | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection, as far as is known."""
        return self._client is not None and not (self._listening and self._listening.done())

    async def check(self) -> str:
        """Connect beside the running sink, and leave again. Raises ``Unavailable``."""
        await self.open(None, client_id=f"{self._client_id}-check")
        await self.close()
        return f"the broker at {self._where} lets us in"

    async def open(
        self, will: Said | None, topics: Sequence[str] = (), *, client_id: str = ""
    ) -> None:
        """Connect with ``will`` and subscribe to ``topics`` (QoS 1). Raises ``Unavailable``."""
        import aiomqtt

        await self.close()
        last = aiomqtt.Will(will.topic, will.payload, will.qos, will.retain) if will else None
        options = self._options
        client = aiomqtt.Client(
            options.host,
            options.port,
            username=options.username or None,
            password=self._password(),
            identifier=client_id or self._client_id,
            will=last,
            keepalive=round(options.keepalive),
            tls_context=self._tls(),
            timeout=_ANSWER_WITHIN,
        )
        self._client = client  # from here on it is closed, whatever becomes of it
        try:
            await client.__aenter__()
            for topic in topics:
                await client.subscribe(topic, 1)
        except aiomqtt.MqttError as error:
            await self.close()
            raise Unavailable(f"the broker at {self._where}: {in_words(error)}") from None
        if topics:
            self._listening = asyncio.create_task(self._listen(client))

    async def publish(self, messages: Sequence[Said]) -> None:
        """Returned: the broker has them. Raises ``Unavailable``, and the connection is gone."""
        import aiomqtt

        try:
            for start in range(0, len(messages), _AT_ONCE):
                part = messages[start : start + _AT_ONCE]
                async with asyncio.TaskGroup() as tasks:
                    for said in part:
                        tasks.create_task(
                            self._client.publish(said.topic, said.payload, said.qos, said.retain)
                        )
        except* aiomqtt.MqttError as errors:
            reason = str(errors.exceptions[0])
        else:
            return
        await self.close()
        raise Unavailable(f"the broker at {self._where}: {reason}")

    async def close(self) -> None:
        """Say goodbye; nothing is left behind."""
        import aiomqtt

        client, self._client = self._client, None
        listening, self._listening = self._listening, None
        if listening is not None and listening is not asyncio.current_task():
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
        if client is not None:
            with contextlib.suppress(aiomqtt.MqttError):  # it may be gone already
                await client.__aexit__(None, None, None)

    async def _listen(self, client: Any) -> None:
        import aiomqtt

        try:
            async for message in client.messages:
                if self._heard is not None and client is self._client:
                    await self._heard(str(message.topic), bytes(message.payload or b""))
        except aiomqtt.MqttError:
            return  # the next write makes a new connection

    def _password(self) -> str | None:
        try:
            return self._options.password.reveal() if self._options.password else None
        except ValueError as error:
            raise Unavailable(f"{self._name}: {error}") from None

    def _tls(self) -> ssl.SSLContext | None:
        if (tls := self._options.tls) is None:
            return None
        try:
            context = ssl.create_default_context(cafile=tls.ca)
            if tls.cert is not None:
                context.load_cert_chain(tls.cert, tls.key)
        except OSError as error:
            raise Unavailable(f"{self._name}: {error}; look at tls:") from None
        return context
