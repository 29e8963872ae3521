"""A configured plugin as an object, its library imported only now."""

from __future__ import annotations

import importlib
from typing import Any, Final

from gateway.cli._say import say
from gateway.config import Configured
from gateway.config.plugins import PACKAGES
from gateway.ports import Clock, Unavailable

SECTIONS: Final = {"drivers": "driver", "sinks": "sink", "notifiers": "notifier"}
"""Section -> module of a plugin's folder; its class is called the same, capitalised."""


def make(section: str, name: str, configured: Configured, clock: Clock) -> Any:
    """The driver, sink or notifier. Raises ``Unavailable`` when its library is missing."""
    word = SECTIONS[section]
    package = f"{PACKAGES[section]}.{configured.type}"
    try:
        module = importlib.import_module(f"{package}.{word}")
    except ModuleNotFoundError as error:
        raise Unavailable(
            say(
                f"{configured.type} 需要 Python 包 {error.name},这台机器上没有安装",
                f"{configured.type} needs the Python package {error.name}, which is not installed",
            )
        ) from None
    return getattr(module, word.capitalize())(name, configured.options, clock)
