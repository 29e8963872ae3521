"""Options of the notifier ``log``."""

from __future__ import annotations

from pathlib import Path

from gateway.options import PluginOptions


class Options(PluginOptions):
    """Nothing is required."""

    file: Path | None = None
    """Also append every message to this file, one JSON object per line."""
