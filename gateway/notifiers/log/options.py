"""Options of the notifier ``log``."""

from __future__ import annotations

from gateway.options import PluginOptions, SitePath


class Options(PluginOptions):
    """Nothing is required."""

    file: SitePath | None = None
    """Also append every message to this file, one JSON object per line."""
