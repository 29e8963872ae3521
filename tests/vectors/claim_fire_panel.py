"""GB/T 26875.3: frames, application data and code tables of another library against fire_panel.

Expected are the file's own decoded fields, turned into what a reading of ours must say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

from drivers._momentary import Momentary
from drivers.fire_panel.decode import Decoder, Out
from drivers.fire_panel.frame import SEND, Cutter, Frame, Layout
from drivers.fire_panel.options import Options
from drivers.fire_panel.tables import (
    ANALOGS,
    COMMANDS,
    COMPONENTS,
    DATA_TYPES,
    SYSTEMS,
    model,
)
from gateway.model import DeviceSeen, Reading, Undecodable
from tests.vectors import Outcome

FILES: Final = ("protocols/gb26875/*.json",)
KNOWN: Final[dict[tuple[str, str], str]] = {}

_CHINA: Final = timezone(timedelta(hours=8))
_ACTIONS: Final = {
    "ControlAction": 1,
    "SendDataAction": 2,
    "AckAction": 3,
    "RequestAction": 4,
    "ResponseAction": 5,
    "RejectAction": 6,
}
_FIRE, _FAULT, _SHIELDED = 0x02, 0x04, 0x08
_STARTED: Final = 0x20 | 0x40
Tables = Mapping[str, Mapping[str, Any]]


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each frame, each piece of application data, each code."""
    files = {path: json.loads(path.read_text("utf-8")) for path in _files(data)}
    tables: dict[str, Mapping[str, Any]] = {}
    for content in files.values():
        tables.update(content.get("tables", {}))
    for path, content in files.items():
        source = path.relative_to(data).as_posix()
        for index, each in enumerate(content.get("frames", ())):
            case = f"frame {index} {each['name']}"
            yield _outcome(source, case, _frame(each, tables))
        for index, each in enumerate(content.get("app_data", ())):
            case = f"app_data {index} {each['name']}"
            yield _outcome(source, case, _app_data(each, tables))
        for table, codes in content.get("tables", {}).items():
            for name, row in codes.items():
                yield _outcome(source, f"{table} {name}", _code(table, row["code"]))


def _files(data: Path) -> list[Path]:
    return sorted(path for glob in FILES for path in data.glob(glob))


def _outcome(source: str, case: str, found: str | tuple[str]) -> Outcome:
    """ "" passed, a text failed, a tuple of one text not claimed."""
    if isinstance(found, tuple):
        return Outcome(source, case, "not claimed", found[0])
    return Outcome(source, case, "failed" if found else "passed", found)


# --- frames -------------------------------------------------------------------------------


def _frame(vector: Mapping[str, Any], tables: Tables) -> str:
    raw = bytes.fromhex(vector["frame_hex"])
    cutter = Cutter(Layout())
    pieces = cutter.feed(raw)
    good = [piece.frame for piece in pieces if piece.frame and not piece.reason]
    error, expected = vector["error"], vector["expected"]
    if error == "ErrPacketNotEnough":
        return "" if not pieces and cutter.waiting else "half a frame is not waited with"
    if error is not None:
        pieces += cutter.finish()
        refused = pieces and all(piece.reason for piece in pieces)
        return "" if refused and not good else "a wrong frame is not refused with a reason"
    if len(good) != 1 or good[0] is None:
        return f"{len(good)} frames, 1 expected"
    frame = good[0]
    wrong = _header(frame, expected)
    if "AppData" in expected and frame.data.hex() != expected["AppData"]:
        wrong.append("application data")
    items = Decoder(Options(port=1))(frame, None).items
    for field, objects in expected.items():
        if isinstance(objects, list):
            wrong += _objects(field, objects, items, frame, tables)
    return "; ".join(wrong)


def _header(frame: Frame, expected: Mapping[str, Any]) -> list[str]:
    wrong = []
    header = expected.get("Header", {})
    told: dict[str, Any] = {
        "SerialId": int.from_bytes(frame.serial, "little"),
        "Version": int.from_bytes(frame.version, "big"),
        "Source": int.from_bytes(frame.source, "little"),
        "Target": int.from_bytes(frame.target, "little"),
        "Timestamp": {"time_bytes_hex": frame.time.hex()},
    }
    wrong += [name for name, value in header.items() if name in told and told[name] != value]
    action = expected.get("Action")
    if action is not None and _ACTIONS.get(action) != frame.command:
        wrong.append("Action")
    return wrong


# --- application data -----------------------------------------------------------------------

_UNIT_BYTES: Final = bytes.fromhex("890300000000")
_UNIT: Final = "000000000389"


def _app_data(vector: Mapping[str, Any], tables: Tables) -> str | tuple[str]:
    data = bytes.fromhex(vector["app_data_hex"])
    field, expected = vector["field"], vector["expected"]
    frame = Frame(b"\0\0", b"\1\1", bytes(6), _UNIT_BYTES, bytes(6), SEND, data, data)
    items = Decoder(Options(port=1))(frame, None).items
    if field == "Others":
        return ("the maker's own type, read there by a decoder that its user brings",)
    if expected is None or expected == []:
        # the library gives up the whole; objects that came whole before are read here
        refused = any(isinstance(item, Undecodable) and item.reason for item in items)
        return "" if refused else "wrong data is not refused with a reason"
    return "; ".join(_objects(field, expected, items, frame, tables))


def _objects(
    field: str, objects: list[Any], items: list[Out], frame: Frame, tables: Tables
) -> list[str]:
    unit = frame.source[::-1].hex()
    check = _CHECKS.get(field)
    if check is None:
        return [f"{field}: a field that this claim does not know"]
    wrong: list[str] = []
    for index, each in enumerate(objects):
        wrong += [f"{field} {index}: {what}" for what in check(each, items, unit, tables)]
    expected = len(objects)
    mains = [item for item in items if _is_main(item, field)]
    if len(mains) != expected:
        wrong.append(f"{field}: {len(mains)} items, {expected} expected")
    if any(isinstance(item, Undecodable) for item in items):
        wrong.append(f"{field}: something is undecodable")
    return wrong


def _is_main(item: Out, field: str) -> bool:
    if field.endswith("Configures"):
        return isinstance(item, DeviceSeen)
    return isinstance(item, (Reading, Momentary))


def _reading(items: list[Out], device: str, at: int | None) -> Reading | None:
    for item in items:
        reading = item.reading if isinstance(item, Momentary) else item
        if not isinstance(reading, Reading) or reading.device != device:
            continue
        if at is None or reading.observed_at == at:
            return reading
    return None


def _seen(items: list[Out], device: str) -> DeviceSeen | None:
    return next((i for i in items if isinstance(i, DeviceSeen) and i.device == device), None)


def _at(each: Mapping[str, Any]) -> int | None:
    """The time that the six bytes say in China; None where they say none."""
    stamp = each.get("Timestamp")
    if not isinstance(stamp, dict):
        return None
    second, minute, hour, day, month, year = bytes.fromhex(stamp["time_bytes_hex"])
    try:
        at = datetime(2000 + year, month, day, hour, minute, second, tzinfo=_CHINA)
    except ValueError:
        return None
    return int(at.timestamp()) * 1_000_000_000 if at.year >= 2011 else None


def _code_of(tables: Tables, name: str | int) -> int:
    """The number of an enum name."""
    if isinstance(name, int):
        return name
    for codes in tables.values():
        if name in codes:
            return int(codes[name]["code"])
    return -1  # which no device has


def _system_device(ctrl: Mapping[str, Any], unit: str, tables: Tables) -> str:
    return f"{unit}/{_code_of(tables, ctrl.get('Type', 0))}-{ctrl.get('Addr', 0)}"


def _component_device(equ: Mapping[str, Any], unit: str, tables: Tables) -> str:
    point, zone = divmod(equ.get("Addr", 0), 65_536)
    return f"{_system_device(equ['Ctrl'], unit, tables)}/{zone}-{point}"


def _states(reading: Reading | None, word: int, faults: int) -> list[str]:
    if reading is None:
        return ["no reading of that device at that time"]
    expected = {
        "alarm": bool(word & _FIRE),
        "fault": bool(word & (_FAULT | faults)),
        "shielded": bool(word & _SHIELDED),
        "started": bool(word & _STARTED),
    }
    return [name for name, value in expected.items() if reading.values.get(name) is not value]


def _controller_state(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    device = _system_device(each["Ctrl"], unit, tables)
    return _states(_reading(items, device, _at(each)), each.get("Flag", 0), 0x0700)


def _equipment_state(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    device = _component_device(each["Equ"], unit, tables)
    reading = _reading(items, device, _at(each))
    wrong = _states(reading, each.get("Flag", 0), 0x0100)
    return wrong + _described(each, items, device, tables)


def _described(each: Any, items: list[Out], device: str, tables: Tables) -> list[str]:
    """The component's place text, and its type as the model."""
    wrong = []
    seen = _seen(items, device)
    if seen is None or seen.name != (each.get("Description") or "").strip():
        wrong.append("description")
    kind = each["Equ"].get("Type", 0)  # the generic type, 0, is left out
    code = _code_of(tables, kind)
    if seen is None or not re.match(rf"{code}\b", seen.model):
        wrong.append("type")
    return wrong


def _equipment_parameter(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    device = _component_device(each["Equ"], unit, tables)
    reading = _reading(items, device, _at(each))
    if reading is None:
        return ["no reading of that device at that time"]
    name = each["Info"]["Type"]
    raw = each["Info"].get("Value", 0)
    raw = raw - 65_536 if raw > 32_767 else raw
    if name not in _SMALLEST:
        value = reading.values.get(f"extra.analog_{_code_of(tables, name)}")
        return [] if value == raw else ["value"]
    value_name, smallest = _SMALLEST[name]
    value = reading.values.get(value_name)
    close = isinstance(value, float | int) and abs(value - raw * smallest) < 1e-6
    return [] if close else [f"{value_name}: {value}, {raw * smallest} expected"]


_SMALLEST: Final = {
    "CounterParameterType": ("extra.events", 1.0),
    "HeightParameterType": ("level", 0.01),
    "TemperatureParameterType": ("temperature", 0.1),
    "MPressureParameterType": ("pressure", 100.0),
    "KPressureParameterType": ("pressure", 0.1),
    "GasConcentrationParameterType": ("lel", 0.1),
    "SecondsParameterType": ("extra.seconds", 1.0),
    "VoltageParameterType": ("voltage", 0.1),
    "ElectricityParameterType": ("current", 0.1),
    "FlowParameterType": ("extra.flow", 0.1),
    "WindFlowParameterType": ("extra.air_volume", 0.1),
    "WindSpeedParameterType": ("extra.air_speed", 1.0),
}
"""What the file's own comments say of each: the smallest unit, in the units of our values."""


def _controller_configure(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    seen = _seen(items, _system_device(each["Ctrl"], unit, tables))
    return [] if seen is not None and seen.name == each.get("Configure", "").strip() else ["text"]


def _equipment_configure(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    equ = each.get("Equ", each)
    return _described({**each, "Equ": equ}, items, _component_device(equ, unit, tables), tables)


def _transmission_configure(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    seen = _seen(items, unit)
    return [] if seen is not None and seen.name == each.get("Configure", "").strip() else ["text"]


def _transmission_state(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    reading = _reading(items, unit, _at(each))
    if reading is None:
        return ["no reading of that device at that time"]
    word = each.get("Flag", 0)
    expected = {
        "alarm": bool(word & _FIRE),
        "fault": bool(word & 0x7C),
        "extra.mains_fault": bool(word & 0x08),
        "extra.backup_fault": bool(word & 0x10),
        "extra.link_fault": bool(word & 0x20),
        "extra.line_fault": bool(word & 0x40),
    }
    return [name for name, value in expected.items() if reading.values.get(name) is not value]


def _time(device: str, each: Any, items: list[Out]) -> list[str]:
    at = _at(each)
    reading = _reading(items, device, at)
    return [] if reading is not None and reading.observed_at == at else ["time"]


def _transmission_time(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _time(unit, each, items)


def _controller_time(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _time(_system_device(each["Ctrl"], unit, tables), each, items)


def _version(each: Mapping[str, Any]) -> str:
    """Major and minor from the library's one number."""
    major, minor = divmod(each.get("Version", 0), 256)
    return f"{major}.{minor}"


def _controller_version(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _has_version(each, items, _system_device(each["Ctrl"], unit, tables))


def _transmission_version(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _has_version(each, items, unit)


def _has_version(each: Any, items: list[Out], device: str) -> list[str]:
    reading = _reading(items, device, None)
    return [] if reading and reading.values.get("extra.version") == _version(each) else ["version"]


def _operation(device: str, each: Any, items: list[Out]) -> list[str]:
    reading = _reading(items, device, _at(each))
    if reading is None:
        return ["no reading of that device at that time"]
    word = each.get("Flag", 0)
    expected = {"extra.reset": 0x01, "muted": 0x02, "extra.cleared": 0x08, "test": 0x50}
    return [
        name for name, bits in expected.items() if (name in reading.values) is not bool(word & bits)
    ]


def _controller_operation(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _operation(_system_device(each["Ctrl"], unit, tables), each, items)


def _transmission_operation(each: Any, items: list[Out], unit: str, tables: Tables) -> list[str]:
    return _operation(unit, each, items)


_CHECKS: Final = {
    "ControllerStates": _controller_state,
    "EquipmentStates": _equipment_state,
    "EquipmentParameters": _equipment_parameter,
    "ControllerOperations": _controller_operation,
    "ControllerVersions": _controller_version,
    "ControllerConfigures": _controller_configure,
    "EquipmentConfigures": _equipment_configure,
    "ControllerTimestamps": _controller_time,
    "TransmissionStates": _transmission_state,
    "TransmissionOperations": _transmission_operation,
    "TransmissionVersions": _transmission_version,
    "TransmissionConfigures": _transmission_configure,
    "TransmissionTimestamps": _transmission_time,
}


# --- code tables ----------------------------------------------------------------------------


def _code(table: str, code: int) -> str | tuple[str]:
    """Each code has a name of ours in both languages."""
    known: dict[str, Mapping[int, Any]] = {
        "ControllerType": SYSTEMS,
        "EquipmentType": {number: row.name for number, row in COMPONENTS.items()},
        "ParameterType": {number: row.name for number, row in ANALOGS.items()},
        "Action": COMMANDS,
        "AppType": DATA_TYPES,
    }
    if table not in known:
        return ("a table that the standard does not have",)
    name = known[table].get(code)
    if name is None or not (name.zh and name.en):
        return f"code {code} has no name in both languages"
    return "" if model(code, name).startswith(f"{code} ") else "its model does not say the code"
