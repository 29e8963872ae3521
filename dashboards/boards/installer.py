"""The installer's board (安装调试): does each device that was fitted today speak, and how well."""

from __future__ import annotations

from typing import Final

from dashboards import palette
from dashboards.boards._shared import DEVICE_ID, DEVICE_NAME, KIND, PLACE, WHEN, WHERE, highest
from dashboards.boards.devices import HOURLY, STATE
from dashboards.links import DEVICE, DEVICES
from dashboards.names import DEVICE as NAME
from dashboards.names import device_names
from dashboards.panels import Panels
from dashboards.queries import lines, newest, rows, within
from dashboards.sheet import Options, Sheet
from dashboards.tile import TIME, Column, Size, Tile, Told
from gateway.model import KINDS, Text

_SENSORS: Final = "/^(" + "|".join(sorted(set(KINDS) - {"gateway"})) + ")$/"
_TESTED: Final = "/^(smoke|heat|gas|co|panic|panel|infrared|manhole|water)$/"
_FLAGS: Final = (
    ("late", Text("迟到", "Late")),
    ("suspect", Text("数值可疑", "In doubt")),
    ("clock_suspect", Text("设备时钟不准", "Clock wrong")),
)


def installer(options: Options) -> Sheet:
    """The last hours, refreshed often: for a phone or a tablet on site."""
    p = Panels(options.language, tiles=options.tiles)
    return Sheet(
        "installer",
        Text("安装调试", "Installer"),
        Text(
            "刚装的设备有没有上报、信号如何、测试键按过没有。",
            "Whether what was fitted reports, how strong its signal is, whether it was tested.",
        ),
        [
            [_tests(p), _never(p)],
            [_waiting(p), _weak(p)],
            [_link(p), _doubt(p)],
            [_rssi(p)],
        ],
        span="now-24h",
        refresh="30s",
        marks=False,
    )  # fmt: skip


def _tests(p: Panels) -> Tile:
    told = Told(
        Text("测试键", "Test button"),
        Text("按下测试键后几秒内应出现。", "Appears within seconds after the button was pressed."),
        "string", Size(14, 9), DEVICE,
    )  # fmt: skip
    text = (
        f'SELECT last("test") AS "test" FROM {_TESTED} WHERE {within()} AND "test" = true '
        'GROUP BY "device", "place"'
    )
    columns = [WHEN, *DEVICE_NAME, PLACE]
    called = device_names("test", place=True)
    return p.table(told, [rows(text)], columns, order=(TIME, True), names=called)


def _never(p: Panels) -> Tile:
    told = Told(
        Text("登记与上报", "Registered and heard"),
        Text("登记的比上报过的多：有设备从未上报；检查电源、地址和距离。",
             "More registered than heard: some never spoke; look at power, address and distance."),
        "none", Size(10, 9), DEVICES,
    )  # fmt: skip
    named = (("silent_n", Text("已登记", "Registered")), ("age", Text("上报过", "Heard")))
    queries = [lines(_counted(field), p.say(text)) for field, text in named]
    return p.stat(told, queries, since=HOURLY, named=True)


def _counted(field: str) -> str:
    return f'SELECT count("{field}") AS "n" FROM ({newest(field, STATE, by="device place kind")})'


def _waiting(p: Panels) -> Tile:
    told = Told(
        Text("待验收", "To be accepted"),
        Text(
            "已安装、尚未验收的设备及最近上报。",
            "Installed and not accepted yet, and when heard.",
        ),
        "string", Size(14, 9), DEVICE,
    )  # fmt: skip
    inner = newest(
        "age", STATE, "state", "link", "battery", "name", "where", by="device place kind"
    )
    text = (
        'SELECT "age", "state", "link", "battery", "name", "where", "device", "place", "kind" '
        f"FROM ({inner}) WHERE \"state\" = 'installed'"
    )
    columns = [
        DEVICE_ID,
        Column("name", Text("名称", "Name")),
        KIND,
        WHERE,
        Column("age", Text("距上次上报", "Since heard"), "dtdhms", width=140),
        Column("link", Text("信号", "Link"), "percent", width=80),
        Column("battery", Text("电量", "Battery"), "percent", width=80),
    ]
    return p.table(told, [rows(text)], columns, order=("age", True), since=HOURLY)


def _weak(p: Panels) -> Tile:
    told = Told(
        Text("信号最弱", "Weakest links"),
        Text("低于 50% 的要移动或加中继。", "Below 50 %: move it or add a repeater."),
        "percent", Size(10, 9), DEVICE,
    )  # fmt: skip
    steps = ((None, palette.ACT), (20.0, palette.LOOK), (50.0, palette.SKY))
    text = newest("link", _SENSORS, by="device")
    called = device_names("link")
    return p.bars(
        told, [rows(text)], value="link", name=NAME, names=called, steps=steps, desc=False
    )


def _link(p: Panels) -> Tile:
    told = Told(
        Text("信号质量", "Link quality"),
        Text("每个网格的最低值。", "The lowest of each grid."),
        "percent", Size(14, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "link", "device_state", of="min", interval="1h")


def _doubt(p: Panels) -> Tile:
    told = Told(
        Text("有疑问的读数", "Readings in doubt"),
        Text("迟到、数值可疑或设备时钟不准的条数。", "Late, out of range, or with a wrong clock."),
        "string", Size(10, 8), DEVICE,
    )  # fmt: skip
    # A flag is written only where it is true, so that counting it is enough.
    counts = ", ".join(f'count("{flag}") AS "{flag}"' for flag, _ in _FLAGS)
    text = f'SELECT {counts} FROM {_SENSORS} WHERE {within()} GROUP BY "device", "place"'
    columns = [*DEVICE_NAME, *(Column(flag, title, "none") for flag, title in _FLAGS)]
    called = device_names("suspect")
    return p.table(told, [rows(text)], columns, order=("suspect", True), names=called)


def _rssi(p: Panels) -> Tile:
    told = Told(
        Text("信号强度", "Signal strength"),
        Text("每个网格的最低值；低于 -100 dBm 不可靠。",
             "The lowest of each grid; below -100 dBm it is not reliable."),
        "dBm", Size(24, 8), DEVICES,
    )  # fmt: skip
    return highest(p, told, "rssi", "device_state", of="min", interval="1h", least=None)
