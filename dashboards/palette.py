"""Colours that stay apart for everybody: Okabe and Ito's set, on Grafana's dark and light ground.

Blue against orange carries meaning, never green against red; what a colour says is said in words
or numbers beside it.
"""

from __future__ import annotations

from typing import Final

ORANGE: Final = "#E69F00"
SKY: Final = "#56B4E9"
GREEN: Final = "#009E73"
YELLOW: Final = "#F0E442"
BLUE: Final = "#0072B2"
VERMILLION: Final = "#D55E00"
PURPLE: Final = "#CC79A7"
GREY: Final = "#8E8E8E"

CALM: Final = SKY
"""Nothing has to be done."""
LOOK: Final = YELLOW
"""Somebody should look."""
ACT: Final = VERMILLION
"""Somebody has to act."""

SEVERITIES: Final = {"notice": SKY, "warning": YELLOW, "alarm": ORANGE, "critical": VERMILLION}
STAGES: Final = {"receive": VERMILLION, "handle": YELLOW, "close": SKY}
LINES: Final = (SKY, ORANGE, GREEN, PURPLE, YELLOW, BLUE, VERMILLION)
"""Lines of one chart, in the order in which they are told apart best."""
