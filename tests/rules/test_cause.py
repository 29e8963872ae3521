"""Why an alarm that stands need not be told any more."""

from __future__ import annotations

import rules
from tests.rules.told import Engine, device, load, rule, site


def test_the_cause_is_the_rule_that_holds_back_every_device_now() -> None:
    low = rule("when: temperature > 50; inhibit: gone; same: device; inhibit_in: building",
               name="low", category="trouble")  # fmt: skip
    gone = rule("when: fault; same: device", name="gone", category="trouble")
    engine = Engine(load(low, gone), site(device("s1"), device("s2")))

    def why(*devices: str, name: str = "low") -> str:
        return rules.cause(engine.ruleset, engine.site, engine.state, name, devices)

    engine.report(0, {"temperature": 60.0})
    assert why("s1") == ""
    engine.report(1, {"fault": True}, "s2")
    assert why("s1") == "gone"
    assert why("s1", "stranger") == ""
    assert why("s1", name="gone") == ""
    assert why("s1", name="no such rule") == ""
    engine.report(2, {"fault": False}, "s2")
    assert why("s1") == ""
