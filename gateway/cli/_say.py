"""The language of the command line: Chinese or English, by ``--lang`` or the environment."""

from __future__ import annotations

import os

_chosen = ""


def choose(language: str) -> None:
    """Speak ``zh`` or ``en`` from now on."""
    global _chosen
    _chosen = language


def language() -> str:
    """``zh`` when chosen or when the locale is Chinese; else ``en``."""
    if _chosen:
        return _chosen
    locale = next(
        (value for name in ("LC_ALL", "LC_MESSAGES", "LANG") if (value := os.environ.get(name))), ""
    )
    return "zh" if locale.lower().startswith("zh") else "en"


def say(zh: str, en: str) -> str:
    """The one of the two that the reader understands."""
    return zh if language() == "zh" else en
