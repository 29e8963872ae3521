"""Options of the notifier ``siren``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.model import Category
from gateway.options import Duration, PluginOptions


class Options(PluginOptions):
    """Which output, for what, and for how long."""

    driver: str = Field(min_length=1, max_length=40)
    """The name of a configured driver that can switch."""
    output: str = Field(min_length=1, max_length=64)
    """One of its outputs."""
    on_for: Annotated[Duration, Field(gt=0, le=86_400)] = 180.0
    """It is switched off after this time, though the incident may go on."""
    purposes: tuple[Literal["opened", "again", "overdue"], ...] = Field(
        ("opened", "again"), min_length=1
    )
    """Messages that switch it on; cleared and closed always switch it off."""
    categories: tuple[Category, ...] = Field((Category.life,), min_length=1)
    """Incidents that it is for."""
