"""Where a panel leads: to a case, a device, or a list of cases in the gateway's console.

The console understands ``/?case=KEY``, ``/?device=ID`` and ``/?cases`` with criteria
(``gateway/console/static/address.js``).
"""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from dashboards.queries import LEVELS

_CONSOLE: Final = "${console}/"
_PLACE: Final = ",".join(f"${{{level}}}" for level in reversed(LEVELS))
"""The chosen places, the narrowest first: the console takes the first that it knows."""

CASE: Final = _CONSOLE + "?case=${__data.fields.key}"
"""Of a table with the column ``key``."""
DEVICE: Final = _CONSOLE + "?device=${__data.fields.device}"
"""Of a table with the column ``device``."""
LINE: Final = _CONSOLE + "?device=${__field.labels.device}"
"""Of a line that is grouped by ``device``."""
DEVICES: Final = _CONSOLE + "?device="
"""The list of all devices."""


def cases(state: str = "", **criteria: str) -> str:
    """The list of cases at the chosen place."""
    asked = {"place": _PLACE, "state": state} | criteria
    return f"{_CONSOLE}?cases=1" + "".join(f"&{k}={v}" for k, v in asked.items() if v)


OPEN: Final = "open,received,handling"


def link(title: str, url: str) -> DashboardLink:
    """A link that opens beside the wall and leaves it standing."""
    return (
        DashboardLink(title).type(DashboardLinkType.LINK).icon("external link")
        .url(url).target_blank(True)
    )  # fmt: skip
