"""Templates: a small grammar is understood, everything else is refused, nothing is executed."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.dialects.homeassistant.operators import MISSING, Said
from drivers.mqtt.dialects.homeassistant.template import compiled


def made(template: str, payload: object) -> Any:
    raw = payload if isinstance(payload, str) else json.dumps(payload)
    return compiled(template)(Said(raw, lambda: json.loads(raw)))


@pytest.mark.parametrize(
    ("template", "payload", "expected"),
    [
        ("{{ value }}", "12.5", "12.5"),
        ("{{ value_json.a.b }}", {"a": {"b": 3}}, 3),
        ("{{ value_json['a'][1]['b'] }}", {"a": [0, {"b": True}]}, True),
        ('{{ value_json["SN"].ENERGY.Power }}', {"SN": {"ENERGY": {"Power": 7}}}, 7),
        ("{{ value_json.a[-1] }}", {"a": [1, 2]}, 2),
        ("{{ value_json.a }}", {}, MISSING),
        ("{{ value_json.a.b.c }}", {"a": 1}, MISSING),
        ("{{ value_json.a | is_defined }}", {}, MISSING),
        ("{{ value_json.a | default(5) }}", {}, 5),
        ("{{ value_json.a | default('x', true) }}", {"a": ""}, "x"),
        ("{{ value | float }}", "3", 3.0),
        ("{{ value | float(0) }}", "abc", 0),
        ("{{ value|int }}", "3.9", 3),
        ("{{ (value | float * 0.1) | round(1) }}", "215", 21.5),
        ("{{ value_json.a / 10 + 1 - 0.5 }}", {"a": 10}, 1.5),
        ("{{ -value_json.a }}", {"a": 4}, -4),
        ("{{ value | upper }}", "on", "ON"),
        ("{{value|lower|trim|replace('o', '0')}}", " ON ", "0n"),
        ("{{ 'ON' if value_json.x == 1 else 'OFF' }}", {"x": 1}, "ON"),
        ("{{ 'ON' if value_json.x == 1 else 'OFF' }}", {"x": 2}, "OFF"),
        ("{{ 'ON' if value_json.x == 1 else 'OFF' }}", {}, MISSING),
        ("{{ 'ON' if value_json.x is defined else 'OFF' }}", {}, "OFF"),
        ("{{ 'ON' if value_json.x is defined and value_json.x.y else 'OFF' }}", {}, "OFF"),
        ("{{ 'a' if value_json.x > 3 or value_json.x < 1 else 'b' }}", {"x": 2}, "b"),
        ("{{ 'a' if not value_json.x else 'b' }}", {"x": 0}, "a"),
        ("{{ value in ['open', 'ajar'] }}", "ajar", True),
        ("{{ value not in ('open') }}", "ajar", True),
        ("{{ value_json.a is none }}", {"a": None}, True),
        ("{{ (value_json.a == 2) | iif('ON', 'OFF') }}", {"a": 2}, "ON"),
        ('{%if value == "ABC"%}ON{%endif%}', "ABC", "ON"),
        ('{%if value == "ABC"%}ON{%endif%}', "DEF", ""),
        ("{% if value_json.x %} true {% else %} false {% endif %}", {"x": False}, "false"),
        ("{% if value == '1' %}a{% elif value == '2' %}b{% else %}c{% endif %}", "2", "b"),
        ("pre {{ value }}", "x", "prex"),
    ],
)
def test_what_announcements_hold_is_understood(
    template: str, payload: object, expected: object
) -> None:
    found = made(template, payload)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    "template",
    [
        "{{ value.__class__() }}",
        "{{ value_json.items() }}",
        "{{ states('sensor.x') }}",
        "{{ now() }}",
        "{% set x = 1 %}{{ x }}",
        "{% for x in value_json %}{{ x }}{% endfor %}",
        "{{ value | unpack('b') }}",
        "{{ value ** 9 }}",
        "{{ value",
        "{{ }}",
        "{% if value %}ON",
        "{% endif %}",
        "{{ value | round(1, 2, 3) }}",
        "{{ " + "(" * 50 + "value" + ")" * 50 + " }}",
        "{{ " + "+".join(["1"] * 150) + " }}",
        "x" * 2_000,
    ],
)
def test_everything_else_is_refused_when_it_is_announced(template: str) -> None:
    with pytest.raises(ValueError, match="template"):
        compiled(template)


@pytest.mark.parametrize(
    ("template", "payload"),
    [
        ("{{ value * 1000000000 }}", "a"),
        ("{{ '%1000000000d' % 5 }}", "a"),
        ("{{ value_json.a * value_json.a }}", {"a": 10**300}),
        ("{{ value | replace('a', value) | replace('a', value) }}", "a" * 500),
        ("{{ value_json.a ~ '' }}", {"a": [1]}),
        ("{{ value_json.a / 0 }}", {"a": 1}),
        ("{{ value_json.a < 'b' }}", {"a": 1}),
        ("{{ value | float }}", "nan"),
    ],
)
def test_a_result_that_makes_no_sense_or_no_end_is_refused(template: str, payload: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        made(template, payload)


_BITS = st.sampled_from(
    [
        *("value", "value_json", ".a", "['a']", "[0]", "|float", "|int(0)", "|round(1)", " if "),
        *(" else ", "==", "+", "*", "(", ")", "{{", "}}", "{%if", "%}", "{%endif%}", "'x'", "1"),
        *(" and ", " not ", "|default(1)", "|upper", " in ", "~", "|replace('a','b')"),
    ]
)


@given(st.lists(_BITS, max_size=20).map("".join), st.text(max_size=30))
def test_any_template_gives_a_result_or_a_reason(text: str, payload: str) -> None:
    for template in (text, "{{" + text + "}}"):
        try:
            made(template, payload)
        except ValueError:
            continue


def test_a_hostile_template_takes_no_time() -> None:
    began = time.process_time()
    for text in ("{{" * 499, "{{ " + "not " * 240 + "value }}", "{%if " * 190, "'" * 999):
        with pytest.raises(ValueError, match="template"):
            compiled("{{ x" + text)
    assert time.process_time() - began < 1.0
