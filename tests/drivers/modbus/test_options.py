"""Options and maps: what can be written, and what is said about what can not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from drivers.modbus.decode import read
from drivers.modbus.options import Options
from drivers.modbus.plan import blocks
from drivers.modbus.points import SHIPPED, load, shipped
from gateway.options import FOLDER

DRIVER = Path(__file__).resolve().parents[3] / "drivers/modbus"
POINT = {"value": "alarm", "discrete": 0}


def made(**given: Any) -> Options:
    """With one slave whose options are ``given``; those of the bus under ``bus``."""
    bus = given.pop("bus", {})
    slave = {"unit": 1, "device": "d", "map": {"points": [POINT]}} | given
    return Options.model_validate({"bus": {"tcp": {"host": "h"}}, "slaves": [slave]} | bus)


@pytest.mark.parametrize("name", shipped())
def test_shipped_map_is_sound_and_names_its_source(name: str) -> None:
    found = load(SHIPPED / f"{name}.yaml")
    assert found.about
    assert found.source
    assert made(map=name).slaves[0].map == found


def value(name: str, table: str, address: int, raw: list[int], part: str = "") -> Any:
    """What a shipped map makes of ``raw``, as if read from ``address`` on."""
    slave = made(map=name).slaves[0]
    points = [p for p in slave.points if p.table == table and p.address >= address]
    [block] = blocks(points, max_registers=125, max_bits=2000, bridge=100)[:1]
    found = read(block, raw)
    assert found.faults == ()
    return {name: each for (where, name), each in found.values.items() if where == part}


def test_published_answers_through_the_shipped_maps() -> None:
    assert value("renke-rs-ws-n01", "register", 0, [0x0292, 0xFF9B]) == {
        "humidity": 65.8,
        "temperature": -10.1,
    }
    assert value("novabo-sqr", "discrete", 0, [1]) == {"alarm": False}
    assert value("novabo-sqr", "discrete", 0, [0]) == {"alarm": True}
    assert value("xy-md02", "input", 1, [0x0131, 500]) == {"temperature": 30.5, "humidity": 50.0}
    assert value("nhzd210", "input", 0, [0, 0x0128]) == {"extra.illuminance": 296.0}
    assert value("smoke-common", "register", 3, [1]) == {"alarm": True}
    assert value("calectro-ug3", "discrete", 0, [1, 1, 0, 0]) == {
        "tamper": False,
        "extra.dirty": True,
        "alarm": False,
        "extra.relay": False,
    }
    assert value("pemtech-pt495", "register", 0, [125, 0x0402, 10, 0, 20]) == {
        "extra.concentration": 125.0,
        "extra.gas": "CO",
        "extra.condition": 2.0,
        "extra.low_limit": 10.0,
        "extra.high_limit": 20.0,
    }


def test_a_site_has_its_own_files_beside_its_configuration(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("points:\n  - {value: alarm, register: 7}\n")
    raw = {
        "bus": {"tcp": {"host": "h"}},
        "slaves": [{"unit": 1, "device": "d", "map": "mine.yaml"}],
    }
    found = Options.model_validate(raw, context={FOLDER: str(tmp_path)})
    assert found.slaves[0].map.points[0].address == 7


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("points: [", r"mine\.yaml:1"),
        ("points:\n  - {value: alarm}\n", "exactly one of register, input, coil, discrete"),
        ("points:\n  - {value: alram, coil: 1}\n", "unknown value 'alram'.*alarm"),
        ("points: []\n", "mine.yaml:1"),
        ("x" * 300_000, "larger than 200,000 bytes"),
    ],
)
def test_faulty_file_of_a_site_is_said_with_its_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(ValidationError, match=reason):
        made(map=str(tmp_path / "mine.yaml"))


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"map": "renke-rs-ws-n1"}, "there is no map 'renke-rs-ws-n1'.*renke-rs-ws-n01"),
        ({"map": "../../etc/passwd"}, "there is no map"),
        ({"map": "none.yaml"}, "No such file"),
        ({"map": {"points": [POINT, POINT]}}, "alarm: each value of a device stands once"),
        ({"map": {"points": [{"register": 0, "expect": [1]}]}}, "a map without a value"),
        ({"map": {"points": [POINT | {"coil": 1}]}}, "exactly one of"),
        ({"map": {"points": [POINT | {"scale": 2}]}}, "alarm is no number"),
        ({"map": {"points": [POINT | {"bit": 1}]}}, "a discrete is one bit"),
        ({"map": {"points": [{"value": "co", "register": 0, "invert": True}]}}, "no truth value"),
        ({"map": {"points": [{"value": "co", "register": 0, "type": "text"}]}}, "co is no text"),
        ({"map": {"points": [{"value": "co", "register": 0, "bit": 15, "bits": 2}]}}, "has no 2"),
        (
            {"map": {"points": [{"value": "co", "register": 65535, "type": "f32"}]}},
            "reaches beyond",
        ),
        (
            {"map": {"points": [{"value": "co", "register": 0, "count": 2}]}},
            "count is for type text",
        ),
        (
            {"map": {"points": [{"value": "extra.a", "register": 0, "invert": True}]}},
            "invert needs",
        ),
        ({"invert": ["alram"]}, "'alram' is no value of the map; there is alarm"),
        ({"kind": "smok"}, "unknown kind 'smok'.*smoke"),
        ({"device": "two words"}, "pattern"),
        ({"device": "a/b"}, "pattern"),
        ({"unit": 256}, "255"),
        ({"every": "1ms"}, "0.05"),
        ({"bus": {"bus": {}}}, "either serial: or tcp:"),
        ({"bus": {"slaves": []}}, "slaves: or outputs:"),
        ({"bus": {"outputs": {"d": {"unit": 1, "coil": 0}}}}, "d: each device has its own name"),
        ({"bus": {"outputs": {"s": {"unit": 1}}}}, "either a coil or a register"),
        ({"bus": {"outputs": {"s": {"unit": 1, "register": 1, "on_value": 0}}}}, "are the same"),
        ({"bus": {"outputs": {"s": {"unit": 1, "coil": 1, "at_most": "0s"}}}}, "greater than 0"),
    ],
)
def test_wrong_options_are_refused_with_the_reason(given: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        made(**given)


def test_wiring_is_turned_round_per_slave() -> None:
    assert made(invert=["alarm"]).slaves[0].points[0].invert is True
    inverted = {"points": [POINT | {"invert": True}]}
    assert made(map=inverted, invert=["alarm"]).slaves[0].points[0].invert is False


def test_silence_before_a_question_is_three_and_a_half_characters_and_the_gap() -> None:
    def quiet(gap: str | None = None, **port: Any) -> float:
        more = {} if gap is None else {"gap": gap}
        return made(bus={"bus": {"serial": {"port": "p"} | port}} | more).quiet

    assert quiet("0s", baud=9600) == pytest.approx(3.5 * 10 / 9600)
    assert quiet("0s", baud=4800, parity="even") == pytest.approx(3.5 * 11 / 4800)
    assert quiet("0s", baud=115_200) == pytest.approx(0.00175)
    assert quiet() == pytest.approx(0.04 + 3.5 * 10 / 9600)
    assert made().quiet == 0.0


def test_sample_of_the_readme_is_the_tested_one() -> None:
    text = (DRIVER / "sample.yaml").read_text()
    assert text.strip() in (DRIVER / "README.md").read_text()
    for given in yaml.safe_load(text)["drivers"].values():
        assert given.pop("type") == "modbus"
        Options.model_validate(given)


def test_every_shipped_map_is_in_the_readme() -> None:
    readme = (DRIVER / "README.md").read_text()
    assert [name for name in shipped() if f"`{name}`" not in readme] == []
