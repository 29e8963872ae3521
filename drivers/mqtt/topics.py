"""Topic filters as options. Pure."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator


def check_filter(topic: str) -> str:
    """A topic filter as MQTT 3.1.1 section 4.7 wants it."""
    if not topic or len(topic.encode()) > 65_535 or "\0" in topic:
        raise ValueError("a topic needs 1 to 65,535 bytes and no NUL")
    steps = topic.split("/")
    for index, step in enumerate(steps):
        if step == "#" and index < len(steps) - 1:
            raise ValueError(f"{topic!r}: # can only be the last level")
        if len(step) > 1 and ("+" in step or "#" in step):
            raise ValueError(f"{topic!r}: + and # must be a whole level")
    return topic


def check_plain(topic: str) -> str:
    """A topic, or the beginning of one, without wildcards."""
    check_filter(topic)
    if "+" in topic or "#" in topic or topic.endswith("/"):
        raise ValueError(f"{topic!r}: a plain topic without wildcards and without / at the end")
    return topic


def is_safe(topic: str) -> bool:
    """Whether a topic or filter that a device made can be sent to a broker.

    Brokers close the connection for what is no topic, and all devices' alarms come through it.
    """
    try:
        check_filter(topic)
    except ValueError:
        return False
    return topic.isprintable()


TopicFilter = Annotated[str, AfterValidator(check_filter)]
PlainTopic = Annotated[str, AfterValidator(check_plain)]
