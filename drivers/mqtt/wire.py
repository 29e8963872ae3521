"""The bytes of MQTT 3.1.1 that come in: published messages are cut out, the rest goes to paho.

paho-mqtt takes a packet from its socket in four reads and three locks: 24 to 40 us a message
on the machine of ``make bench``. Cutting PUBLISH packets out of a whole read at once takes one
or two. Everything else (CONNACK, SUBACK, PUBREL, PINGRESP) is rare and stays paho's.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import msgspec

_PUBLISH: Final = 0x30
_LONGEST_CONTROL: Final = 65_536
"""Bytes of a packet that is no PUBLISH; a SUBACK has one byte for each subscription."""
_HEAD: Final = 4_096
"""Bytes of an oversized payload that are kept, for quarantine."""


class Malformed(Exception):
    """These bytes are not MQTT; the connection is of no more use."""


class Message(msgspec.Struct, gc=False, frozen=True):
    """One published message.

    ``ack`` is the packet that acknowledges it: PUBACK (QoS 1), PUBREC (QoS 2), or nothing.
    ``size`` is the payload's length; where it is larger than ``payload`` the end was thrown away.
    """

    topic: bytes
    payload: bytes
    retained: bool
    ack: bytes
    size: int


class Cut(NamedTuple):
    """What one read brought: messages in order, and whole control packets in order."""

    messages: list[Message]
    control: bytes


class Cutter:
    """Turns chunks into messages. It keeps at most one unfinished packet."""

    def __init__(self, max_payload: int) -> None:
        self._max = max_payload
        self._rest = bytearray()
        self._need = 0
        """Bytes that must be there before it is worth looking again."""
        self._skip = 0
        """Bytes of an oversized message that are still to be thrown away."""

    def feed(self, chunk: bytes) -> Cut:
        """Cut ``chunk`` behind what was left. Raises ``Malformed``."""
        if self._skip:
            skipped = min(self._skip, len(chunk))
            self._skip -= skipped
            chunk = chunk[skipped:]
        if self._rest:
            self._rest += chunk
            if len(self._rest) < self._need:
                return Cut([], b"")
            chunk = bytes(self._rest)
            self._rest.clear()
        messages: list[Message] = []
        control: list[bytes] = []
        used = self._cut(chunk, messages, control)
        self._rest += chunk[used:]
        return Cut(messages, b"".join(control))

    def _cut(self, data: bytes, messages: list[Message], control: list[bytes]) -> int:
        """Bytes used. Packets: type and flags, length in 1 to 4 bytes, body."""
        at, end = 0, len(data)
        while end - at >= 2:
            first, length, body = data[at], data[at + 1], at + 2
            if length > 127:
                length, body = _long_length(data, at)
                if body == 0:
                    break
            stop = body + length
            if first & 0xF0 != _PUBLISH:
                if length > _LONGEST_CONTROL:
                    raise Malformed(f"a control packet of {length:,} bytes")
                if stop > end:
                    return self._wait(stop - at, at)
                control.append(data[at:stop])
            elif stop > end and length > self._max + 65_539:
                # longer than the largest topic, an id and the largest payload
                if end - body < 65_539 + _HEAD:  # which may be more than all of it
                    return self._wait(min(stop, body + 65_539 + _HEAD) - at, at)
                self._skip = stop - end
                messages.append(self._message(data, first, body, end, stop))
                return end
            elif stop > end:
                return self._wait(stop - at, at)
            else:
                messages.append(self._message(data, first, body, stop, stop))
            at = stop
        self._need = 0
        return at

    def _wait(self, need: int, at: int) -> int:
        self._need = need
        return at

    def _message(self, data: bytes, first: int, body: int, end: int, stop: int) -> Message:
        """The PUBLISH whose body is ``data[body:stop]``, of which there is ``data[body:end]``."""
        if end - body < 2:
            raise Malformed("a message without a topic")
        start = body + 2
        payload = start + (data[body] << 8 | data[body + 1])
        topic = data[start:payload]
        qos = first & 0x06
        if qos == 0:
            ack = b""
        elif qos == 6:
            raise Malformed("a message of QoS 3")
        else:
            ack = (b"\x40\x02" if qos == 2 else b"\x50\x02") + data[payload : payload + 2]
            payload += 2
        if payload > end or start == payload:
            raise Malformed("a message shorter than its topic says")
        size = stop - payload
        if size > self._max:
            end = min(end, payload + _HEAD)
        return Message(topic, data[payload:end], first & 1 == 1, ack, size)


def _long_length(data: bytes, at: int) -> tuple[int, int]:
    """Length and the body's offset; offset 0 while the length is not all there."""
    length = 0
    for index in range(4):
        if at + 1 + index >= len(data):
            return 0, 0
        byte = data[at + 1 + index]
        length |= (byte & 0x7F) << (7 * index)
        if byte < 128:
            return length, at + 2 + index
    raise Malformed("a length of more than four bytes")
