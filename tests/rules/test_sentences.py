import pytest

from gateway.model import KINDS, Text, every_value_name
from rules import words
from rules.expression import compile_condition
from rules.sentence import local_time, silent, why
from tests.rules.told import WALL, load, rule

ZONE = load(rule("when: alarm")).zone


@pytest.mark.parametrize(
    ("text", "values", "en", "zh"),
    [
        ("density > 0.15", {"density": 0.31}, "density 0.31 %/m above 0.15", "烟雾浓度 0.31 %/m 高于 0.15"),
        ("0.15 < density", {"density": 0.31}, "density 0.31 %/m above 0.15", "烟雾浓度 0.31 %/m 高于 0.15"),
        ("not density <= 3", {"density": 4.0}, "density 4 %/m above 3", "烟雾浓度 4 %/m 高于 3"),
        ("battery < 10", {"battery": 9.25}, "battery 9.25 % below 10", "电量 9.25 % 低于 10"),
        ("area >= 0.1", {"area": 0.12345}, "moving area 0.123 at or above 0.1", "移动面积占比 0.123 不低于 0.1"),
        ("alarm and not test", {"alarm": True}, "alarm", "探测器报警"),
        ("alarm or density > 4", {"density": 5.0}, "density 5 %/m above 4", "烟雾浓度 5 %/m 高于 4"),
        ("alarm and temperature > 50", {"alarm": True, "temperature": 60.0},
         "alarm, temperature 60 °C above 50", "探测器报警，温度 60 °C 高于 50"),
        ("not online", {"online": False}, "offline", "离线"),
        ("online == false", {"online": False}, "offline", "离线"),
        ("not test", {}, "not being tested", "非测试"),
        ("zone == 'A'", {"zone": "A"}, "zone is A", "分区 为 A"),
        ("zone != 'A'", {"zone": "B"}, "zone B is not A", "分区 B 不为 A"),
        ("extra.lux > 3", {"extra.lux": 4.0}, "lux 4 above 3", "lux 4 高于 3"),
        ("extra.wet", {"extra.wet": True}, "wet is true", "wet 为是"),
        ("temperature - extra.outside > 10", {"temperature": 30.0, "extra.outside": 5.0},
         "(temperature - outside) 25 above 10", "(温度 - outside) 25 高于 10"),
        ("temperature > extra.limit", {"temperature": 30.0, "extra.limit": 5.0},
         "temperature 30 °C above limit 5", "温度 30 °C 高于 limit 5"),
        ("1 < density < 3", {"density": 2.0},
         "density 2 %/m above 1, density 2 %/m below 3", "烟雾浓度 2 %/m 高于 1，烟雾浓度 2 %/m 低于 3"),
    ],
)  # fmt: skip
def test_a_sentence_names_what_made_it_true(
    text: str, values: dict[str, float | bool | str], en: str, zh: str
) -> None:
    said = why(compile_condition(text), values, WALL, ZONE)
    assert said == Text(f"{zh}\uff0c自 16:00:00 起", f"{en} since 16:00:00")


def test_every_value_name_has_words_in_both_languages() -> None:
    for name, kind in every_value_name().items():
        table = words.FLAGS if kind.type is bool else words.NOUNS
        assert name in table, name
    assert set(words.FLAGS) | set(words.NOUNS) == set(every_value_name())
    assert KINDS


def test_silence_is_said_with_the_date_when_it_is_long() -> None:
    hour = 3600 * 10**9
    assert (
        silent(WALL, 26 * hour, ZONE).en == "no report since 2026-01-05 16:00:00, longer than 26 h"
    )
    assert silent(WALL, hour // 2, ZONE).zh == "自 16:00:00 起无上报\uff0c已超过 30 分钟"
    assert silent(0, 3 * 24 * hour, ZONE).en == "never reported, for longer than 3 d"


@pytest.mark.parametrize("wall", [-(2**63), 0, 2**63 - 1])
def test_any_wall_time_can_be_said(wall: int) -> None:
    assert len(local_time(wall, ZONE)) == 8
