"""``--since`` and its like: how somebody says a moment on the command line."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import click

from gateway.cli._say import say
from gateway.model import SECOND
from gateway.options import parse_duration


class Moment(click.ParamType[float | datetime]):
    """A duration before now, in seconds, or a moment of the site's local time."""

    name = "moment"

    def convert(self, value: Any, param: Any, ctx: Any) -> float | datetime:
        try:
            return parse_duration(value)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(
                say(
                    f"{value!r} 不是时间;请写 30d、12h,或 2026-01-05、2026-01-05T08:00",
                    f"{value!r} is no moment; write 30d, 12h, 2026-01-05 or 2026-01-05T08:00",
                ),
                param,
                ctx,
            )


def wall_of(moment: float | datetime, zone: tzinfo, now: int) -> int:
    """Wall ns UTC."""
    if isinstance(moment, float):
        return now - int(moment * SECOND)
    local = moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)
    return int(local.timestamp()) * SECOND
