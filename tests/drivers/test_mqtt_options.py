"""What is refused when a broker is configured, and that the samples are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from drivers.mqtt.options import Options
from gateway.document import Problems, parse, validate

DRIVER = Path(__file__).parents[2] / "drivers" / "mqtt"
TOPIC: dict[str, Any] = {"topic": "a/+/b", "device": "{1}", "values": {"alarm": "x"}}


def options(*topics: dict[str, Any], **more: Any) -> Options:
    return Options.model_validate({"dialects": [{"json": {"topics": topics}}]} | more)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"topic": "a/#/b"}, "# can only be the last level"),
        ({"topic": "a+/b"}, "must be a whole level"),
        ({"device": "{2}"}, "{2} is no wildcard of 'a/+/b', which has 1"),
        ({"device": ""}, "device is empty"),
        ({"device": {"feld": "x"}}, "feld"),
        ({"kind": "smok"}, "did you mean 'smoke'"),
        ({"values": {"alrm": "x"}}, "did you mean 'alarm'"),
        ({"values": {"battery": {"field": "x", "invert": True}}}, "battery is no truth value"),
        ({"values": {"alarm": {"field": "x", "scale": 2}}}, "alarm is no number"),
        ({"values": {"alarm": ".".join("x" * 9)}}, "8 steps at most"),
        ({"values": {}}, "at least 1 item"),
        ({"qos": 2}, "qos"),
    ],
)
def test_a_wrong_mapping_is_refused_with_what_to_write(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        options(TOPIC | wrong)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"password": {"env": "X"}}, "needs a username"),
        ({"password": "plain"}, "never as plain text"),
        ({"tls": {"cert": "c.pem"}}, "belong together"),
        ({"dialects": []}, "write dialects: or outputs:"),
        ({"dialects": [{"json": {"topics": [TOPIC]}, "zigbee2mqtt": {}}]}, "one dialect"),
        ({"dialects": [{"zigbee2mqtt": {"base": "z/#"}}]}, "plain topic"),
        ({"keepalive": 60}, "no duration"),
        ({"max_payload": "1"}, "no size"),
    ],
)
def test_a_wrong_broker_is_refused_with_what_to_write(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as error:
        options(TOPIC, **wrong)
    assert said in str(error.value)


def test_an_error_stands_at_its_line() -> None:
    document = parse("site.yaml", "dialects:\n  - json:\n      topics:\n        - topic: a/#/b\n")
    with pytest.raises(Problems) as error:
        validate(document, Options)
    assert "site.yaml:4:18: 'a/#/b': # can only be the last level" in str(error.value)


def test_the_window_is_what_the_broker_allows_in_flight() -> None:
    assert options(TOPIC).window == 20
    assert options(TOPIC, inflight=1000).window == 1000


def test_the_sample_is_valid() -> None:
    document = parse("sample.yaml", (DRIVER / "sample.yaml").read_text("utf-8"))
    for name, configured in document.data["drivers"].items():
        assert configured.pop("type") == "mqtt"
        validate(document, Options, ("drivers", name))


def test_every_option_is_in_the_readme() -> None:
    readme = (DRIVER / "README.md").read_text("utf-8")
    for name in Options.model_fields:
        assert f"`{name}`" in readme
