from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from drivers.serial_line.decode import Decoder
from drivers.serial_line.options import Options
from drivers.serial_line.sums import SUMS
from gateway.model import Reading, Undecodable

FOLDER = Path(__file__).resolve().parents[3] / "drivers/serial_line"

# a fire-water pressure terminal's report as its maker's document prints it, found in
# github.com/ActorLancer/GB-T-26875.3.2011-rs; CRC-16/Modbus, low byte printed last
TERMINAL = bytes.fromhex(
    "a55a00002953485250323530393031323034d0000000010100000009c4025d68ffb887025d843e55aa"
)


def options(**changes: object) -> Options:
    report = {
        "pattern": r"(?P<id>\w+),(?P<state>\w*)(,(?P<t>[^,]*))?(,(?P<n>\d+))?",
        "device": {"group": "id"},
        "kind": "smoke",
        "key": "n",
        "values": {
            "alarm": {"group": "state", "true": ["ALARM", "1"], "false": ["OK", "0"]},
            "temperature": {"group": "t", "scale": 0.1, "absent": ["9999"]},
        },
    }
    return Options.model_validate(
        {"port": "/dev/null", "line": {}, "reports": [report | changes.pop("report", {})]}  # type: ignore[operator]
        | changes
    )


def sample(name: str) -> Options:
    written = yaml.safe_load((FOLDER / "sample.yaml").read_text())[name]
    assert written.pop("type") == "serial_line"
    return Options.model_validate(written)


def decode(text: str | bytes, given: Options | None = None) -> Reading | Undecodable | None:
    raw = text.encode() if isinstance(text, str) else text
    return Decoder("line", given or options())(raw)


@pytest.mark.parametrize(
    ("text", "values", "key"),
    [
        ("S1,ALARM,235,17", {"alarm": True, "temperature": 23.5}, "17"),
        ("S1,OK,-5", {"alarm": False, "temperature": -0.5}, ""),
        ("S1,0,0", {"alarm": False, "temperature": 0.0}, ""),
        ("S1,0,9999", {"alarm": False}, ""),
        ("S1,1", {"alarm": True}, ""),
        ("S1,1,", {"alarm": True}, ""),
    ],
)
def test_line_becomes_a_reading(text, values, key):
    assert decode(text) == Reading("S1", "smoke", values, key=key)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("S1,", "the report holds no value"),
        ("S1;ALARM", "no pattern fits the line"),
        ("S1,MAYBE", "alarm: 'MAYBE' is neither in true nor in false"),
        ("S1,OK,warm", "temperature: 'warm' is no number"),
        ("S1,OK,nan", "temperature: 'nan' is not a finite number"),
        (b"S1,\xff\xfe", "the line is not utf-8"),
    ],
)
def test_line_that_is_no_report_is_kept_with_the_reason(text, reason):
    raw = text.encode() if isinstance(text, str) else text
    item = decode(text)
    assert isinstance(item, Undecodable)
    assert item.source == "line"
    assert item.raw == raw
    assert item.reason.startswith(reason[:30])


def test_ignored_lines_are_neither_reports_nor_faults():
    given = options(line={"ignore": ["BOOT .*"]})
    assert decode("BOOT v1.2", given) is None


def test_value_outside_the_tables_is_kept_as_extra():
    given = options(report={"values": {"colour": "state"}, "key": ""})
    assert decode("S1,red", given) == Reading("S1", "smoke", {"extra.colour": "red"})


def test_first_report_that_fits_is_taken():
    first = {"pattern": r"FIRE (?P<id>\w+)", "device": {"group": "id"}, "values": {"alarm": True}}
    second = {"pattern": r"\w+ (?P<id>\w+)", "device": "panel", "values": {"code": "id"}}
    given = Options.model_validate({"port": "x", "line": {}, "reports": [first, second]})
    assert decode("FIRE Z9", given) == Reading("Z9", "unknown", {"alarm": True})
    assert decode("TEST Z9", given) == Reading("panel", "unknown", {"code": "Z9"})


@pytest.mark.parametrize(
    ("text", "fits"), [("$S1,1*7F", True), ("$S1,1*7E", False), ("$S1,1*", False), ("$S1,1", False)]
)
def test_line_checksum_is_checked(text, fits):
    given = options(
        line={"checksum": {"type": "xor8", "start": "$", "after": "*"}},
        report={"pattern": r"\$(?P<id>\w+),(?P<state>\d)(?P<t>)(?P<n>)"},
    )
    assert isinstance(decode(text, given), Reading) is fits


def test_real_pressure_terminal_is_read_as_its_maker_reads_it():
    assert decode(TERMINAL, sample("hydrants")) == Reading(
        "SHRP25090120",
        "water",
        {"pressure": 605.0, "extra.limit": 0.0, "battery": 100.0, "rssi": -48.0},
        key="1761589383",
    )


def test_sample_of_the_readme_is_the_tested_one():
    text = (FOLDER / "sample.yaml").read_text()
    assert text.strip() in (FOLDER / "README.md").read_text()
    assert decode("B7,12,ALARM,9999", sample("beams")) == Reading(
        "beam-B7", "infrared", {"alarm": True}, key="12"
    )


def test_every_option_is_in_the_readme():
    from drivers.serial_line import options as module

    readme = (FOLDER / "README.md").read_text()
    models = [module.Options, module.Line, module.Frame, module.Checksum, module.Report]
    models += [module.FieldAt, module.Pick, module.FromGroup, module.LengthAt, module.Escape]
    models += [module.Acknowledge, module.Ask]
    names = {name for model in models for name in model.model_fields}
    assert {name for name in names if f"`{name}`" not in readme} == set()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"line": None}, "write either line: or frame:"),
        ({"report": {"pattern": "("}}, "is no pattern"),
        ({"report": {"key": "x"}}, "no group or field is called x; there is id, n, state, t"),
        ({"report": {"kind": "smok"}}, "'smok' is no kind"),
        ({"frame": {"start": "A5", "length": 9}}, "write either line: or frame:"),
        ({"line": None, "frame": {"start": "A5", "length": 9}}, "report 1 needs fields"),
        ({"line": None, "frame": {"start": "Z", "length": 9}}, "no row of hex bytes"),
        ({"line": {"checksum": {"type": "sum8"}}}, "needs after:"),
        ({"baud": "9600 baud"}, "valid integer"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(changes, message):
    with pytest.raises(ValidationError, match=message.replace("(", r"\(")):
        options(**changes)


def test_stuffed_frame_of_the_sample_is_read():
    raw = bytes.fromhex("7e017e04d20100")
    body = raw[1:]
    frame = b"\x7e" + body + SUMS["crc16_ccitt"](body).to_bytes(2, "big") + b"\x7e"
    assert decode(frame, sample("tank")) == Reading(
        "tank", "water", {"level": 32.26, "leak": False}
    )


def test_field_beyond_a_short_frame_is_absent_and_a_negative_place_counts_from_the_end():
    given = Options.model_validate(
        {
            "port": "x",
            "frame": {"start": "02", "end": "03", "max": 20},
            "reports": [
                {
                    "fields": {"a": {"offset": 1}, "b": {"offset": 6}, "z": {"offset": -2}},
                    "device": "d",
                    "values": {"extra.a": "a", "extra.b": "b", "extra.z": "z"},
                }
            ],
        }
    )
    assert decode(b"\x02\x07\x08\x09\x03", given) == Reading(
        "d", "unknown", {"extra.a": 7.0, "extra.z": 9.0}
    )


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"ask": [{"every": "5s"}]}, "either send: "),
        ({"ask": [{"text": "A", "send": "41"}]}, "either send: "),
        ({"acknowledge": {"good": ""}}, "at least 1"),
        ({"frame": {"start": "02", "length": 1}, "line": None}, "length is 2 to 512"),
        (
            {"frame": {"start": "02", "end": "03", "escape": {"byte": "1010"}}, "line": None},
            "at most 1",
        ),
        (
            {
                "frame": {
                    "start": "02",
                    "end": "03",
                    "escape": {"byte": "10", "pairs": {"0102": "1"}},
                },
                "line": None,
            },
            "no row of hex|not one byte",
        ),
    ],
)
def test_wrong_options_of_the_outgoing_side_are_refused(more, message):
    with pytest.raises(ValidationError, match=message):
        options(**more)
