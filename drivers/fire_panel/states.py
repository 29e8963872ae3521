"""Status words and operation flags to values. Pure. The README shows this as a table."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from gateway.model import Value

TestBit = Literal["careful", "trusted", "ignored"]

_NORMAL: Final = 0x01
_FIRE: Final = 0x02
_FAULT: Final = 0x04
_SHIELDED: Final = 0x08
_STARTED: Final = 0x60
"""Start, or the feedback of what was started."""

MAIN: Final = {"manhole": "open", "contact": "open", "water": "leak", "camera": "motion"}
"""What an alarm is called of kinds that have no ``alarm``: a site's own component types."""


class Flags(NamedTuple):
    """What an operation does, beyond its values."""

    values: dict[str, Value]
    """True ones only: an operation begins and never says that it is over."""
    resets: bool = False
    manual: bool = False


def component(word: int, kind: str, test_bit: TestBit) -> dict[str, Value]:
    """A component's status word (figure 7)."""
    values = _common(word, 0x01FF, test_bit)
    values["fault"] = bool(word & (_FAULT | 0x100))
    values["extra.power_fault"] = bool(word & 0x100)
    if (main := MAIN.get(kind)) is not None:
        values[main] = values["alarm"]
    return values


def system(word: int, test_bit: TestBit) -> dict[str, Value]:
    """A system's status word (figure 6). Bit 13, reset, is the caller's to look at."""
    values = _common(word, 0x07FF, test_bit)
    values["fault"] = bool(word & (_FAULT | 0x0700))
    values["extra.mains_fault"] = bool(word & 0x0100)
    values["extra.backup_fault"] = bool(word & 0x0200)
    values["extra.bus_fault"] = bool(word & 0x0400)
    values["extra.manual"] = bool(word & 0x0800)
    values["extra.configuration_changed"] = bool(word & 0x1000)
    return values


def resets(word: int) -> bool:
    """Whether a system's status word says that it was reset."""
    return bool(word & 0x2000)


def unit(byte: int, test_bit: TestBit) -> dict[str, Value]:
    """The state of a transmission device (figure 13)."""
    values: dict[str, Value] = {"alarm": bool(byte & _FIRE)}
    _test(byte, 0x7F, test_bit, values)
    values["fault"] = bool(byte & 0x7C)
    values["extra.mains_fault"] = bool(byte & 0x08)
    values["extra.backup_fault"] = bool(byte & 0x10)
    values["extra.link_fault"] = bool(byte & 0x20)
    values["extra.line_fault"] = bool(byte & 0x40)
    values["extra.status"] = f"{byte:02X}"
    return values


def operation(flags: int, operator: int, *, of_unit: bool) -> Flags:
    """Operation flags (figures 9 and 14)."""
    names = ["extra.reset", "muted", "extra.manual_alarm", "extra.cleared", "extra.self_test"]
    names += ["extra.roll_call" if of_unit else "extra.confirmed", "extra.test"]
    values: dict[str, Value] = {
        name: True for bit, name in enumerate(names) if flags >> bit & 1
    }  # nothing is set in a report that only names the operator
    if flags & 0x50:
        values["test"] = True
    values["extra.operator"] = float(operator)
    return Flags(values, resets=bool(flags & 0x09), manual=bool(flags & 0x04))


def _common(word: int, used: int, test_bit: TestBit) -> dict[str, Value]:
    values: dict[str, Value] = {"alarm": bool(word & _FIRE)}
    _test(word, used, test_bit, values)
    values["shielded"] = bool(word & _SHIELDED)
    values["started"] = bool(word & _STARTED)
    values["extra.supervisory"] = bool(word & 0x10)
    values["extra.feedback"] = bool(word & 0x40)
    values["extra.delayed"] = bool(word & 0x80)
    values["extra.status"] = f"{word:04X}"
    return values


def _test(word: int, used: int, test_bit: TestBit, values: dict[str, Value]) -> None:
    """Bit 0 is 0 in the test state; many devices leave it 0 in a fire as well.

    ``careful`` believes it where nothing else is said. ``trusted`` believes it always: what
    a component says while it is tested is no fire.
    """
    if test_bit == "ignored":
        return
    testing = not word & _NORMAL
    if test_bit == "careful":
        values["test"] = testing and not word & used
        return
    values["test"] = testing
    if testing and word & _FIRE:
        values["alarm"] = False
