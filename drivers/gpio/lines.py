"""The lines of a chip, whatever it is: opened, read, written.

                   ┌─ chip.py    /dev/gpiochipN: the kernel's character device, edges wake us
opened(options) ──┤
                   └─ folder.py  one file for each line, read again and again
"""

from __future__ import annotations

import errno
import importlib
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol, cast

from drivers.gpio.options import Options
from gateway.ports import Unavailable


class Lines(Protocol):
    """Lines by the names that the options give them. Every method may raise ``OSError``.

    Truth values are logical: ``active_low`` has been seen to.
    """

    fd: int | None
    """Readable when a line has moved; None: nothing tells, they are to be read again."""

    def read(self) -> Mapping[str, bool]:
        """Whether each line is active."""

    def moved(self) -> set[str]:
        """The inputs that moved since the last time; called when ``fd`` is readable."""

    def write(self, line: str, on: bool) -> None:
        """Set an output."""

    def close(self) -> None:
        """Let the lines go."""


class _Backend(Protocol):
    def open_lines(self, options: Options) -> Lines: ...

    def look(self, options: Options) -> str: ...


def opened(options: Options) -> Lines:
    """The lines of ``options``, outputs off. Raises ``Unavailable``."""
    try:
        return _backend(options).open_lines(options)
    except OSError as error:
        raise gone(options.chip, error) from None


def look(options: Options) -> str:
    """One sentence about the chip; no line is taken. Raises ``Unavailable``."""
    try:
        return _backend(options).look(options)
    except OSError as error:
        raise gone(options.chip, error) from None


def gone(chip: str, error: OSError) -> Unavailable:
    """Why there is nothing to be had of ``chip``, and what helps."""
    words = {
        errno.ENOENT: "there is no such chip here; ls /dev/gpiochip* shows those that there are",
        errno.EACCES: "no permission; put the user of this program into the group gpio",
        errno.EPERM: "no permission; put the user of this program into the group gpio",
        errno.EBUSY: "another program holds one of the lines; gpioinfo shows which",
        errno.ENODEV: "this is no GPIO chip",
        errno.ENOTTY: "this is no GPIO chip",
    }
    said = words.get(error.errno or 0) or error.strerror or type(error).__name__
    return Unavailable(f"{chip}: {said}")


def _backend(options: Options) -> _Backend:
    """The library of the character device is imported only where there is one to be used."""
    if Path(options.chip).is_dir():
        return cast("_Backend", importlib.import_module("drivers.gpio.folder"))
    try:
        return cast("_Backend", importlib.import_module("drivers.gpio.chip"))
    except ModuleNotFoundError:
        raise Unavailable(
            f"{options.chip} needs the Python package gpiod, which is not installed here;"
            " run pip install gpiod"
        ) from None
