"""The demo's site, written to a folder: a configuration and a registry like a real one's.

The gateway then reads them as ``gridwarden run`` reads a site's own files. Only what differs
from start to start is filled in: ports, the folder, and the sink where there is an InfluxDB.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from string import Template
from typing import Final, NamedTuple

from gateway.demo import recording

_SHIPPED: Final = Path(__file__).parent / "site"


class Far(NamedTuple):
    """What the demo started for the gateway to talk to."""

    mqtt: int
    """The broker's port."""
    serial: str
    """The serial device."""
    phone: str
    """The webhook's URL."""
    influx: str
    """InfluxDB's URL, or "" where there is none."""


def write(folder: Path, far: Far, console_port: int) -> Path:
    """Write the site's files into ``folder``; the configuration's path."""
    for table in ("places.csv", "devices.csv", "people.csv"):
        shutil.copyfile(_SHIPPED / table, folder / table)
    text = (_SHIPPED / "gridwarden.yaml").read_text(encoding="utf-8")
    if far.influx:
        text += (_SHIPPED / "influxdb.yaml").read_text(encoding="utf-8")
    file = folder / "gridwarden.yaml"
    values = {**far._asdict(), "data": folder / "data", "console": console_port}
    file.write_text(Template(text).substitute(values, camera=recording.CAMERA), encoding="utf-8")
    (folder / "data").mkdir()
    return file
