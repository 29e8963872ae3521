"""The files whose change takes effect without a restart, and whether they have changed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from gateway.config.settings import RegistrySection, RulesSection
from gateway.document import MAX_BYTES

MAX_RULE_FILES: Final = 200
MAX_CALENDARS: Final = 50
_LONGEST: Final = 32_000_000
"""Bytes of one file that are looked at: more than any of them may have."""


def rule_paths(folder: Path) -> list[Path]:
    """The site's own rule files, in the order of their names; stories are none."""
    return sorted(p for p in folder.glob("*.y*ml") if not p.name.endswith(".test.yaml"))


def calendar_paths(folder: Path) -> list[Path]:
    """The calendars that plans name, in the order of their names."""
    return sorted(folder.glob("*.ics"))


def fingerprint(file: Path, registry: RegistrySection | None, section: RulesSection | None) -> str:
    """SHA-256 over the bytes of the configuration, the registry and the site's rule files.

    The paths are as one opens them. A file that can not be read counts as one that is not there.
    """
    paths = [file]
    if registry is not None:
        paths += [registry.places, registry.devices, registry.people]
    if section is not None and section.dir is not None:
        paths += rule_paths(section.dir)[: MAX_RULE_FILES + 1]
        paths += calendar_paths(section.dir)[: MAX_CALENDARS + 1]
    whole = hashlib.sha256()
    for path in paths:
        content = _content(path, _LONGEST if path.suffix == ".csv" else MAX_BYTES + 1)
        whole.update(repr((path.name, None if content is None else len(content))).encode())
        whole.update(content or b"")
    return whole.hexdigest()


def _content(path: Path, most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(most)
    except (OSError, ValueError):
        return None
