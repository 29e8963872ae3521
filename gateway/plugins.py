"""A configured plugin as an object: its library is imported only now, only if it is asked for."""

from __future__ import annotations

import importlib
from typing import Any, Final

import structlog

from gateway.config import Configured
from gateway.config.plugins import PACKAGES
from gateway.model import Notification, Receipt
from gateway.ports import Clock, Unavailable

_MODULES: Final = {"drivers": "driver", "sinks": "sink", "notifiers": "notifier"}
"""Section -> module of a plugin's folder; its class is called the same, capitalised."""
_PACKAGES: Final = {
    "cv2": "opencv-python-headless",
    "google": "protobuf",
    "paho": "paho-mqtt",
    "quickjs": "quickjs-ng",
    "serial": "pyserial",
}
"""Module -> the package that brings it, where the two are called differently."""


def package_of(error: ModuleNotFoundError) -> str:
    """What to install for the module that ``error`` missed."""
    module = (error.name or "").partition(".")[0]
    return _PACKAGES.get(module, module)


def make(section: str, name: str, configured: Configured, clock: Clock) -> Any:
    """The driver, sink or notifier ``name``. Raises ``Unavailable`` when its library is missing."""
    word = _MODULES[section]
    try:
        module = importlib.import_module(f"{PACKAGES[section]}.{configured.type}.{word}")
    except ModuleNotFoundError as error:
        package = package_of(error)
        raise Unavailable(
            f"{name}: {configured.type} needs the Python package {package}, which is not "
            f"installed here; run pip install {package}"
        ) from None
    return getattr(module, word.capitalize())(name, configured.options, clock)


def notifier(name: str, configured: Configured, clock: Clock) -> Any:
    """The notifier ``name``. Without its library it is mute: the gateway starts all the same."""
    try:
        return make("notifiers", name, configured, clock)
    except Unavailable as error:
        structlog.get_logger("gateway").error("notifier_not_here", reason=error.reason)
        return _Mute(error.reason)


class _Mute:
    """Stands for a notifier whose library this platform lacks."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    async def tell(self, notification: Notification) -> Receipt:
        """Never: the person's next channel is tried."""
        raise Unavailable(self._reason)
