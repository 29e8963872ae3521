"""Which sink of a configuration a command is about, and what its server says in our words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gateway.cli._problems import told
from gateway.cli._running import like
from gateway.cli._say import say
from gateway.config import Configured, Settings
from gateway.ports import Refused, Unavailable


@contextmanager
def in_our_words() -> Iterator[None]:
    """The two errors in the reader's language, as far as the table has them."""
    try:
        yield
    except Unavailable as error:
        raise Unavailable(told(error.reason), error.retry_after) from None
    except Refused as error:
        raise Refused(told(error.reason)) from None


def chosen(settings: Settings, name: str, type_: str = "influxdb") -> tuple[str, Configured]:
    """The sink ``name`` of ``type_``, or the only one there is. Raises ``Refused``."""
    found = {key: each for key, each in settings.sinks.items() if each.type == type_}
    if name in found:
        return name, found[name]
    if name:
        raise Refused(
            say(f"配置中没有 {type_} 类型的 sink {name}{like(name, found)}",
                f"the configuration has no sink {name} of type {type_}{like(name, found)}")
        )  # fmt: skip
    if not found:
        raise Refused(
            say(f"配置中没有 {type_} 类型的 sink;请在 sinks 下添加",
                f"the configuration has no sink of type {type_}; add one under sinks")
        )  # fmt: skip
    if len(found) > 1:
        names = ", ".join(found)
        raise Refused(
            say(f"有 {len(found)} 个 sink({names}),请用 --sink 指定",
                f"there are {len(found)} sinks ({names}); choose one with --sink")
        )  # fmt: skip
    return next(iter(found.items()))
