"""Lines of the kernel's character device, through libgpiod 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import gpiod
from gpiod.line import Bias, Direction, Drive, Edge, Value

from drivers.gpio.options import Input, Options, Output
from gateway.ports import Unavailable

_EVENTS: Final = 256
"""Edges that the kernel holds while nobody reads; of more the oldest go, the levels stay right."""
_BIAS: Final = {
    "as_is": Bias.AS_IS,
    "pull_up": Bias.PULL_UP,
    "pull_down": Bias.PULL_DOWN,
    "disabled": Bias.DISABLED,
}
_DRIVE: Final = {
    "push_pull": Drive.PUSH_PULL,
    "open_drain": Drive.OPEN_DRAIN,
    "open_source": Drive.OPEN_SOURCE,
}


class Chip:
    """Requested lines."""

    def __init__(self, request: gpiod.LineRequest, lines: Mapping[str, int]) -> None:
        self._request = request
        self._lines = dict(lines)
        self._names = {offset: name for name, offset in lines.items()}
        self.fd: int | None = request.fd

    def read(self) -> Mapping[str, bool]:
        """One question for all of them."""
        values = self._request.get_values(list(self._lines.values()))
        return {n: value is Value.ACTIVE for n, value in zip(self._lines, values, strict=True)}

    def moved(self) -> set[str]:
        """Take the edges that wait."""
        events = self._request.read_edge_events(_EVENTS)
        return {self._names[event.line_offset] for event in events}

    def write(self, line: str, on: bool) -> None:
        """Set it."""
        self._request.set_value(self._lines[line], Value.ACTIVE if on else Value.INACTIVE)

    def close(self) -> None:
        """Give them back to the kernel."""
        self._request.release()


def open_lines(options: Options) -> Chip:
    """Request every line at once; outputs become inactive in the same moment."""
    with gpiod.Chip(options.chip) as chip:
        lines = {each.line: _offset(chip, options.chip, each.line) for each in options.used}
        if len(set(lines.values())) < len(lines):
            raise Unavailable(f"{options.chip}: one line is named twice, by number and by name")
        config: dict[int, gpiod.LineSettings | None] = {}
        for each in options.used:
            config[lines[each.line]] = _settings(each)
        request = chip.request_lines(
            config,  # type: ignore[arg-type]  # its keys may be of other types too, ours are numbers
            consumer="gridwarden",
            event_buffer_size=_EVENTS,
        )
    return Chip(request, lines)


def look(options: Options) -> str:
    """What chip it is, and whether every line of ours is on it. Nothing is requested."""
    with gpiod.Chip(options.chip) as chip:
        for each in options.used:
            _offset(chip, options.chip, each.line)
        info = chip.get_info()
    return f"{options.chip} is {info.label} with {info.num_lines} lines, ours among them"


def _offset(chip: gpiod.Chip, path: str, line: str) -> int:
    """The number of ``line``. Some kernels' names are numbers: a name goes before."""
    try:
        return chip.line_offset_from_id(line)
    except (FileNotFoundError, ValueError):
        raise Unavailable(f"{path} has no line {line!r}; gpioinfo shows those it has") from None


def _settings(each: Input | Output) -> gpiod.LineSettings:
    if isinstance(each, Input):
        return gpiod.LineSettings(
            direction=Direction.INPUT,
            edge_detection=Edge.BOTH,
            bias=_BIAS[each.bias],
            active_low=each.active_low,
        )
    return gpiod.LineSettings(
        direction=Direction.OUTPUT,
        drive=_DRIVE[each.drive],
        active_low=each.active_low,
        output_value=Value.INACTIVE,
    )
