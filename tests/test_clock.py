"""Which clock of a machine is believed."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.clock import has_battery_clock


@pytest.mark.parametrize(
    ("volts", "believed"),
    [
        (None, True),  # a PC shows none: its battery is part of the board
        ("3023000\n", True),
        ("2000000\n", True),
        ("1999999\n", False),
        ("0\n", False),
        ("-4000\n", False),
        ("", False),
        ("unknown\n", False),
        ("三", False),
    ],
)
def test_a_hardware_clock_is_believed_only_with_a_battery(
    tmp_path: Path, volts: str | None, believed: bool
) -> None:
    device, battery = tmp_path / "rtc0", tmp_path / "battery_voltage"
    if volts is not None:
        battery.write_text(volts, encoding="utf-8")
    assert not has_battery_clock(device, battery)
    device.touch()
    assert has_battery_clock(device, battery) is believed


def test_a_voltage_that_can_not_be_read_is_no_battery(tmp_path: Path) -> None:
    device = tmp_path / "rtc0"
    device.touch()
    assert not has_battery_clock(device, tmp_path)
