"""What each dialect of MQTT costs: decoding alone, and a whole gateway at 5,000 messages/s.

    python -m tests.bench.dialects [NAME ...] [--seconds 8]

The messages are those of the dialect's own simulated devices, over and over.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import re
import statistics
import time
from collections.abc import Iterator, Sequence

from drivers.mqtt import dialects
from drivers.mqtt.decode import Router
from drivers.mqtt.options import DIALECTS, Options
from drivers.mqtt.simulator import Said, story
from drivers.mqtt.wire import Message
from gateway.model import Undecodable
from tests.house import house
from tests.load import Publisher, packet

RATE = 5_000
_ROUNDS = 5


def raw(said: Said) -> tuple[bytes, bytes]:
    payload = said.payload if isinstance(said.payload, bytes) else said.payload.encode()
    return said.topic.encode(), payload


def decoding(name: str, count: int = 20_000) -> float:
    """CPU µs per message, the median of several rounds."""
    chosen, said = story([{name: None}])
    options = Options.model_validate({"dialects": chosen})
    module = importlib.import_module(f"{dialects.__name__}.{name}.dialect")
    router = Router([module.Dialect(options.dialects[0].chosen.options)])
    messages = [
        Message(topic, payload, each.retain, b"", len(payload))
        for each in said
        for topic, payload in [raw(each)]
    ]
    for message in messages:  # plans are made once
        for item in router.decode(message):
            assert not isinstance(item, Undecodable), item
    found = []
    for _ in range(_ROUNDS):
        many = list(itertools.islice(itertools.cycle(messages), count // _ROUNDS))
        began = time.process_time()
        for message in many:
            router.decode(message)
        found.append((time.process_time() - began) / len(many) * 1e6)
    return statistics.median(found)


_COUNTER = re.compile(rb'("fCnt"|"f_cnt"): ?\d+')
"""A device's own counter: a repeat would be refused at the door, which costs less."""


def packets(said: Sequence[Said]) -> Iterator[bytes]:
    for number in itertools.count():
        topic, payload = raw(said[number % len(said)])
        payload = _COUNTER.sub(rb"\1:%d" % (number % 60_000), payload)
        yield packet(topic, payload, number)


def whole(name: str, seconds: float) -> tuple[float, float]:
    """Messages/s that were taken, and CPU µs of the gateway per message."""
    chosen, said = story([{name: None}])
    with house(dialects=chosen) as h, Publisher(h.broker.port) as load:
        stream = packets(said)
        load.steady(RATE, 2.0, stream=stream)
        before, began, seen = h.cpu(), time.monotonic(), h.get("ledger")["received"]
        count = load.steady(RATE, seconds, stream=stream)
        taken = h.get("ledger")["received"] - seen
        passed = time.monotonic() - began
        used = h.cpu() - before
        if taken == 0:
            raise RuntimeError(f"{name}: nothing was received")
        return count / passed, used / count * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="tests.bench.dialects")
    parser.add_argument("names", nargs="*", choices=[[], *DIALECTS])
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    head = f"{'dialect':<16} {'decode µs':>10} {'messages/s':>11} {'gateway µs':>11} {'share':>7}"
    print(head + "   (limits: 5,000/s, share under 33 %)", flush=True)
    for name in options.names or DIALECTS:
        alone = decoding(name)
        rate, cost = whole(name, options.seconds)
        print(
            f"{name:<16} {alone:>10.1f} {rate:>11,.0f} {cost:>11.1f} {alone / cost:>7.0%}",
            flush=True,
        )


if __name__ == "__main__":
    main()
