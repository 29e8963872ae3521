"""A configured plugin as an object: its library is imported only now, only if it is asked for."""

from __future__ import annotations

import importlib
from typing import Any, Final

from gateway.config import Configured
from gateway.config.plugins import PACKAGES
from gateway.ports import Clock, Unavailable

_MODULES: Final = {"drivers": "driver", "sinks": "sink", "notifiers": "notifier"}
"""Section -> module of a plugin's folder; its class is called the same, capitalised."""


def make(section: str, name: str, configured: Configured, clock: Clock) -> Any:
    """The driver, sink or notifier ``name``. Raises ``Unavailable`` when its library is missing."""
    word = _MODULES[section]
    try:
        module = importlib.import_module(f"{PACKAGES[section]}.{configured.type}.{word}")
    except ModuleNotFoundError as error:
        raise Unavailable(
            f"{name}: {configured.type} needs the Python package {error.name}, which is not "
            f"installed here; run pip install {error.name}"
        ) from None
    return getattr(module, word.capitalize())(name, configured.options, clock)
