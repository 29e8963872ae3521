"""What a kind of sensor means in the words of CAP: event, category, urgency, what to do. Pure."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model import Category, Severity, Text


class Meaning(NamedTuple):
    """One kind's words. Severity and certainty are those of an alarm that nothing confirms."""

    event: Text
    categories: tuple[str, ...]
    code: str
    """Of the OASIS event terms, list 1.2."""
    responses: tuple[str, ...]
    urgency: str
    severity: str
    certainty: str
    instruction: Text


_GO_AND_SEE: Final = Text("核实现场,按预案处置。", "Verify on site and act by the plan.")
_FIRE: Final = Text(
    "核实现场,必要时疏散并拨打119。",
    "Verify on site; evacuate and call the fire brigade if needed.",
)
_GAS: Final = Text(
    "勿动电器和明火,开窗疏散,拨打119。",
    "No switches, no flames; ventilate, evacuate, call the fire brigade.",
)
_KEEP_AWAY: Final = Text(
    "绕行,设置警示,通知维修。", "Keep away, put up a warning, send for repair."
)
_REPAIR: Final = Text("安排检修。", "Have it repaired.")
_OVER: Final = Text("已恢复正常,无需行动。", "Back to normal; nothing needs to be done.")

_BURNING: Final = ("Assess", "Evacuate")
_LOOK: Final = ("Assess", "Monitor")
_AWAY: Final = ("Avoid", "Monitor")

_KINDS: Final = MappingProxyType(
    {
        "smoke": Meaning(
            Text("烟雾报警", "Smoke alarm"),
            ("Fire",),
            "OET-190",
            _BURNING,
            "Immediate",
            "Moderate",
            "Possible",
            _FIRE,
        ),
        "heat": Meaning(
            Text("感温报警", "Heat alarm"),
            ("Fire",),
            "OET-190",
            _BURNING,
            "Immediate",
            "Severe",
            "Likely",
            _FIRE,
        ),
        "panel": Meaning(
            Text("报警主机报警", "Alarm panel"),
            ("Safety",),
            "OET-169",
            _LOOK,
            "Immediate",
            "Moderate",
            "Possible",
            _GO_AND_SEE,
        ),
        "gas": Meaning(
            Text("燃气泄漏", "Gas leak"),
            ("Safety", "CBRNE"),
            "OET-134",
            ("Evacuate", "Avoid"),
            "Immediate",
            "Severe",
            "Likely",
            _GAS,
        ),
        "co": Meaning(
            Text("一氧化碳超标", "Carbon monoxide"),
            ("Safety", "CBRNE"),
            "OET-134",
            ("Evacuate", "Avoid"),
            "Immediate",
            "Severe",
            "Likely",
            _GAS,
        ),
        "panic": Meaning(
            Text("紧急求助", "Call for help"),
            ("Rescue", "Safety"),
            "OET-169",
            ("Assess",),
            "Immediate",
            "Severe",
            "Likely",
            _GO_AND_SEE,
        ),
        "infrared": Meaning(
            Text("入侵报警", "Intrusion alarm"),
            ("Security",),
            "OET-177",
            _LOOK,
            "Immediate",
            "Minor",
            "Possible",
            _GO_AND_SEE,
        ),
        "contact": Meaning(
            Text("门磁报警", "Door alarm"),
            ("Security",),
            "OET-177",
            _LOOK,
            "Immediate",
            "Minor",
            "Possible",
            _GO_AND_SEE,
        ),
        "camera": Meaning(
            Text("视频报警", "Camera alarm"),
            ("Security",),
            "OET-177",
            _LOOK,
            "Immediate",
            "Moderate",
            "Likely",
            _GO_AND_SEE,
        ),
        "manhole": Meaning(
            Text("井盖异常", "Manhole cover"),
            ("Safety", "Infra"),
            "OET-188",
            _AWAY,
            "Expected",
            "Moderate",
            "Likely",
            _KEEP_AWAY,
        ),
        "water": Meaning(
            Text("水浸或水压异常", "Water leak or pressure"),
            ("Infra",),
            "OET-214",
            _AWAY,
            "Expected",
            "Moderate",
            "Observed",
            _KEEP_AWAY,
        ),
        "power": Meaning(
            Text("供电异常", "Power failure"),
            ("Infra",),
            "OET-145",
            ("Monitor",),
            "Expected",
            "Minor",
            "Observed",
            _REPAIR,
        ),
        "lamp": Meaning(
            Text("路灯故障", "Street lamp"),
            ("Infra",),
            "OET-145",
            ("Monitor",),
            "Future",
            "Minor",
            "Observed",
            _REPAIR,
        ),
    }
)
_TROUBLE: Final = Meaning(
    Text("设备故障", "Device trouble"),
    ("Infra",), "OET-135", ("None",), "Future", "Minor", "Observed", _REPAIR,
)  # fmt: skip
_ANYTHING: Final = Meaning(
    Text("安全事件", "Safety incident"),
    ("Safety",), "OET-169", _LOOK, "Expected", "Moderate", "Possible", _GO_AND_SEE,
)  # fmt: skip
_SEVERITIES: Final = ("Minor", "Moderate", "Severe", "Extreme")


def meaning(kind: str, category: str, severity: str, *, over: bool) -> Meaning:
    """The words for an incident; ``over``: it is cleared or closed.

    A critical incident is one that a second source has confirmed: one step worse, and likely. A
    notice or a warning is minor.
    """
    trouble = category in (Category.trouble.value, Category.system.value)
    found = _TROUBLE if trouble else _KINDS.get(kind, _ANYTHING)
    if over:
        return found._replace(
            responses=("AllClear",), urgency="Past", severity="Minor", certainty="Observed",
            instruction=_OVER,
        )  # fmt: skip
    if severity == Severity.critical.value:
        step = min(_SEVERITIES.index(found.severity) + 1, len(_SEVERITIES) - 1)
        certainty = "Likely" if found.certainty == "Possible" else found.certainty
        return found._replace(severity=_SEVERITIES[step], certainty=certainty)
    if severity in (Severity.notice.value, Severity.warning.value):
        return found._replace(severity="Minor")
    return found
