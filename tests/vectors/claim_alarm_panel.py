"""SIA DC-09 lines, SIA and Contact ID code tables, Sur-Gard lines.

What is expected is read from the vector files by the plain columns and words of the formats, not
by our parsers. A line whose ``check`` says that its CRC is wrong must be refused for that.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from drivers.alarm_panel import codes, content, frame, surgard
from drivers.alarm_panel.content import Event
from drivers.alarm_panel.decode import Sender, When, readings
from gateway.model import EXTRA, Reading
from tests.vectors import Outcome

FILES = (
    "protocols/sia_dc09/*.json",
    "protocols/contact_id/*.json",
    "protocols/surgard/*.json",
)

_MAP = "protocols/contact_id/contact_id_to_sia.json"
_REASONS = {
    "113 1, 113 3": "DC-05: water flow is a sprinkler's, a fire signal, not a leak",
    "138 1, 138 3": "DC-05: near alarm, a warning before the alarm",
    "305 3": "DC-05: a reset is over when it is reported, which is no fault",
    "306 1, 306 3": "DC-05: the programming was changed, which is no fault",
    "339 1, 339 3": "DC-05: a module's reset is over when it is reported, which is no fault",
    "414 1, 414 3": "DC-05: a command to shut down was received, nothing of a battery",
    "441 1, 456 1, 456 3": "DC-05: qualifier 1 is opening, 3 is closing, of a part as of the whole",
    "470 1, 470 3, 471 1, 471 3, 473 1, 473 3": "DC-05 has no such codes: bypass is 570 to 579",
}
KNOWN: dict[tuple[str, str], str] = {
    (_MAP, case): why for cases, why in _REASONS.items() for case in cases.split(", ")
}

_PLAIN = re.compile(r'^[0-9A-Fa-f]{8}"(\*?)([A-Z-]+)"\d{4}(?:R[0-9A-F]*)?L[0-9A-F]*#([0-9A-F]+)\[')
_TROUBLES = ("fault", "tamper", "battery_low")


def outcomes(data: Path) -> Iterator[Outcome]:
    """One for each line, code, and pair of code and qualifier."""
    for path in sorted(path for glob in FILES for path in data.glob(glob)):
        source = path.relative_to(data).as_posix()
        loaded = json.loads(path.read_text(encoding="utf-8"))
        yield from (Outcome(source, case, *told) for case, told in _cases(loaded))


_Told = tuple[Any, str]


def _cases(loaded: dict[str, Any]) -> Iterator[tuple[str, _Told]]:
    if "cases" in loaded:
        names = Counter(case["name"] for case in loaded["cases"])
        for index, case in enumerate(loaded["cases"]):
            name = case["name"]
            case_id = name if names[name] == 1 else f"{name} {index}"
            yield case_id, _dc09(case["line"], case["check"], case.get("expected", {}))
    elif "map" in loaded:
        for code, by in loaded["map"].items():
            for qualifier, of in by.items():
                yield f"{code} {qualifier}", _mapped(code, qualifier, of)
    elif "codes" in loaded:
        for code, row in loaded["codes"].items():
            yield code, _named(code, row)
    else:
        for index, row in enumerate(loaded.get("lines", [])):
            dc09 = "check" in row
            told = _dc09(row["line"], row["check"], {}) if dc09 else _surgard(row)
            yield f"line {index}", told


# --- SIA DC-09 ------------------------------------------------------------------------------


def _dc09(line: str, check: dict[str, Any], expected: dict[str, Any]) -> _Told:
    try:
        got = frame.parse(b"\n" + line.encode() + b"\r")
    except ValueError as error:
        refused = "crc_ok" not in check and (expected.get("error") or not expected)
        return ("passed", "") if refused else ("failed", str(error))
    if check.get("crc_ok") is False:
        return ("passed", "") if got.crc else ("failed", "a wrong CRC was not noticed")
    if expected.get("error"):
        return "failed", "read, and should have been refused"
    if got.crc is not None:
        return "failed", "the CRC was found wrong"
    if (plain := _PLAIN.match(line)) is not None:
        want = (plain[1] == "*", plain[2], plain[3])
        if (got.encrypted, got.token, got.account) != want:
            return "failed", f"header {got.encrypted, got.token, got.account}, expected {want}"
    if "length_ok" in check and check["length_ok"] is _has_length(got):
        return "failed", f"length_ok {check['length_ok']}, deviations {got.deviations}"
    if expected.get("account") not in (None, got.account):
        return "failed", f"account {got.account}, expected {expected['account']}"
    if got.encrypted or got.token in ("NULL", "XNM"):
        return "passed", ""
    return _event(got, expected)


def _has_length(got: frame.Frame) -> bool:
    return any("length" in name for name in got.deviations)


def _event(got: frame.Frame, expected: dict[str, Any]) -> _Told:
    try:
        told = content.read(got.rest, "cp1252")
        if got.token == "ADM-CID":
            event = content.contact_id(told.data)
        elif got.token == frame.OH:
            event = Event("RP") if told.data.startswith("ID") else content.dcs(told.data)[0]
        else:
            event = content.dcs(told.data)[0]
    except ValueError as error:
        return "failed", str(error)
    if bool(told.extended) < bool(expected.get("extended_data")):
        return "failed", "the extended data were not read"
    want = expected.get("code")
    if want is None or want == event.code:
        return "passed", ""
    if event.qualifier:
        return _mapped(event.code, event.qualifier, want)
    return "failed", f"code {event.code}, expected {want}"


# --- code tables ------------------------------------------------------------------------------


def _reading(code: str, qualifier: str = "") -> Reading:
    event = Event(code, qualifier, address="1")
    return readings(Sender("A"), [event], When(), {})[0]


def _mapped(code: str, qualifier: str, of: str) -> _Told:
    """What a Contact ID pair and its SIA code say of one sensor must be the same."""
    want = _wanted_of_sia(of)
    if want is None:
        return "not claimed", "an entry of a panel's log: it says nothing of a sensor's state"
    reading = _reading(code, qualifier)
    values = reading.values
    names, on, groups = want
    if groups and values[EXTRA + "class"] not in groups:
        return "failed", f"class {values[EXTRA + 'class']}, expected one of {groups} for {of}"
    if any(values.get(name) is on for name in names):
        return "passed", ""
    return "failed", f"{values}, expected {names} {on} for {of}"


_FAMILIES = {
    "F": ("fire",), "K": ("fire", "technical"), "S": ("fire",), "G": ("gas", "co"), "W": ("water",),
    "B": ("burglary", "general"), "M": ("medical",), "P": ("panic",), "Q": ("medical",),
    "H": ("panic", "burglary"), "Z": ("freeze",), "U": ("general",), "E": ("burglary",),
}  # fmt: skip
_ALARMS = ("alarm", "leak")
_FREEZE = (EXTRA + "technical",)
"""Cold is nobody's fire: an alarm of the building's services."""
_ARMED = (EXTRA + "armed",)
_WORDS: dict[str, tuple[tuple[str, ...], bool]] = {
    **dict.fromkeys(("TA", "TT"), (("tamper",), True)),
    **dict.fromkeys(("TR", "TH", "TJ"), (("tamper",), False)),
    **dict.fromkeys(
        ("AT", "ET", "FT", "PT", "HT", "LT", "YC", "YP", "VO", "VT", "YX"), (_TROUBLES, True)
    ),
    **dict.fromkeys(
        ("AR", "ER", "FJ", "PJ", "HR", "LR", "YK", "YQ", "VI", "VR", "YZ"), (_TROUBLES, False)
    ),
    **dict.fromkeys(("YT", "YM", "XT"), (("battery_low",), True)),
    **dict.fromkeys(("YR", "XR"), (("battery_low",), False)),
    **dict.fromkeys(("CL", "CA", "CB", "CG", "CQ", "CS"), (_ARMED, True)),
    **dict.fromkeys(("OP", "OA", "OB", "OG", "OQ", "OS"), (_ARMED, False)),
    **dict.fromkeys(("BB", "FB"), (("shielded",), True)),
    **dict.fromkeys(("BU", "FU"), (("shielded",), False)),
    **dict.fromkeys(("RX", "RP", "FX", "TX"), (("test",), True)),
    "FK": (("test",), False),
}


def _wanted_of_sia(code: str) -> tuple[tuple[str, ...], bool, tuple[str, ...]] | None:
    """Value names of which one must be so, and the classes that it may have; None: no state."""
    if code in _WORDS:
        return *_WORDS[code], ()
    groups = _FAMILIES.get(code[0])
    if groups is not None and code[1] in "AHR":
        names = _FREEZE if groups == ("freeze",) else _ALARMS
        return names, code[1] == "A", groups
    return None


_BY_NAME: tuple[tuple[str, tuple[str, ...], bool | None], ...] = (
    (r"Unverified|Cancel|Silenced|Abort|Point Tested|Missing Alarm|Recent Closing", (), None),
    (r"Tamper.*(Restor|Restoral)|Tamper Restoral", ("tamper",), False),
    (r"Unbypass", ("shielded",), False),
    (r"Bypass", ("shielded",), True),
    (r"^(Alarm.*Substitution|Tamper (Alarm|Trouble)|.*Receiver Tamper$|.*Device Tamper$)", ("tamper",), True),
    (r"Battery (Restoral)", ("battery_low",), False),
    (r"Battery (Trouble|Missing)", ("battery_low",), True),
    (r"(Fire|Burglary|Gas|Printer|Manual|Automatic) Test$|^Test Report|Walk Test Point|Test Begin|Test Start", ("test",), True),
    (r"Test End", ("test",), False),
    (r"Door Left Open.*Restoral|Door Restoral", ("open",), False),
    (r"Door (Forced|Left Open)", ("open",), True),
    (r"^Freeze Alarm Restor", _FREEZE, False),
    (r"Alarm Restore|Zone Restoral", ("alarm", "leak"), False),
    (r"^Freeze Alarm", _FREEZE, True),
    (r"^(Fire|Heat|Gas|Water|Medical|Panic|Holdup|Emergency|Burglary|Sprinkler|Untyped Zone) Alarm", ("alarm", "leak"), True),
    (r"Burglary Verified|Exit Alarm", ("alarm",), True),
    (r"Trouble Restore|(AC|Phone Line|Expansion|Network|Communications|Interference|Supply|Device Missing) Restor|Bell Restored|Supply Restored|Overcurrent Restore", ("fault",), False),
    (r"Trouble$|Trouble - |Supervisory$|^(Bell|RF Interference|Network Failure|Communications Fail|System Battery)", ("fault",), True),
    (r"(Restoral|Restored?|restore)$|Printer Online|Paper In|Service Completed", (*_ALARMS, *_TROUBLES), False),
    (r"Missing|Failure Condition|Service Required|Analog Service|Paper Out|Offline|Checksum Fail|Diagnostic Error|Malfunction$|Data Lost", ("fault",), True),
    (r"Fail to (Open|Close)|Late To Close|Late to Open$|Delinquent|Extend", (), None),
    (r"Closing|Close$|Close Area|Perimeter Arm|Armed", _ARMED, True),
    (r"Opening|Open Area|Open$|Disarm|Early to Open", _ARMED, False),
)  # fmt: skip
"""Words of a code's published name -> the value that must be so. The first that fits counts."""
_NO_SENSOR = (
    "Access Open",
    "Relay Open",
    "Relay Close",
    "Swinger Trouble Restore",
    "Fire Alarm Silenced",
)
_PRIORITY = ("fire", "medical", "panic", "burglary", "general", "gas", "co", "water")
"""Classes of events that a peer gives its first priority."""


def _named(code: str, row: dict[str, Any]) -> _Told:
    if not codes.is_known(code):
        return "failed", "the code is in no table"
    if "type" not in row:
        group = codes.contact_id(code).group
        is_alarm = row.get("priority") == 1
        if is_alarm and group not in _PRIORITY:
            return "failed", f"class {group}, and the peer gives it the priority of an alarm"
        return "passed", ""
    name = row["type"].replace("–", "-")
    if name in _NO_SENSOR:
        return "not claimed", "an entry of a panel's log: it says nothing of a sensor's state"
    for words, names, on in _BY_NAME:
        if re.search(words, name):
            values = _reading(code).values
            if not names or any(values.get(each) is on for each in names):
                return "passed", ""
            return "failed", f"{name}: {values}, expected {names} {on}"
    return "not claimed", "an entry of a panel's log: it says nothing of a sensor's state"


# --- Sur-Gard ---------------------------------------------------------------------------------

_COLUMNS = re.compile(r"5(..)(.) (18|58|98)(....)([ERP])(...)(..)(...)\x14?")
_FIELD_NAMES = {
    "account": ("account", "acct"),
    "qualifier": ("qualifier", "q"),
    "code": ("code", "event", "event_code", "xyz"),
    "partition": ("partition", "group", "gg", "area"),
    "zone": ("zone", "ccc", "zone_user", "user"),
}


def _surgard(row: dict[str, Any]) -> _Told:
    text = row["line"]
    columns = _COLUMNS.fullmatch(text)
    if columns is None and not row.get("fields"):
        try:
            surgard.line(text.rstrip("\x14"))
        except ValueError:
            return "not claimed", "no line of the format: the words of its description"
        return "failed", "read, though it is not of the format"
    want: dict[str, str] = {}
    if columns is not None:
        want = dict(zip(_FIELD_NAMES, columns.groups()[3:], strict=True))
    given = {str(name).lower(): value for name, value in (row.get("fields") or {}).items()}
    for ours, theirs in _FIELD_NAMES.items():
        for name in theirs:
            if given.get(name) is not None:
                want[ours] = str(given[name])
    try:
        account, events, _ = surgard.line(text.rstrip("\x14"))
    except ValueError as error:
        return "failed", str(error)
    event = events[0]
    got = {
        "account": account,
        "qualifier": event.qualifier,
        "code": event.code,
        "partition": event.area,
        "zone": event.address,
    }
    letters = {"E": "1", "R": "3", "P": "6"}
    wrong = [
        name
        for name, value in want.items()
        if letters.get(value, value).lstrip("0") != got[name].lstrip("0")
    ]
    return ("failed", f"{got}, expected {want}") if wrong else ("passed", "")
