"""The story runner: what a story may say, that all its tellings must agree, and where it is wrong."""

from pathlib import Path

import pytest

import rules
from rules import trial
from rules.engine import step
from rules.story import Expected, Line

STORY = """\
rules: [fire.yaml]
devices: [{id: s1, kind: smoke}]
stories:
  - name: one
    story:
      - {at: 0s, device: s1, report: {alarm: true}}
      - {at: 5s, expect: [{alarmed: smoke_alarm, device: s1}]}
"""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("expect: [{", "expect: [{cleared: smoke_alarm}, {", "7:27: did not happen: cleared"),
        ("[{alarmed: smoke_alarm, device: s1}]", "[]", "7:26: not expected: alarmed: smoke_alarm"),
        ("      - {at: 5s, expect: [{alarmed: smoke_alarm, device: s1}]}\n", "", "6:9: never exp"),
        ("device: s1}]}", "device: s2}]}", "7:27: did not happen"),
        ("smoke_alarm", "smok_alarm", "7:37: there is no rule 'smok_alarm'; did you mean"),
        ("device: s1, report", "device: s7, report", "6:26: unknown device 's7'"),
        ("alarm: true", "alrm: true", "6:38: unknown value 'alrm'; did you mean 'alarm'?"),
        ("alarm: true", "alarm: [1]", "6:38: alarm must be a number, true, false or a text"),
        ("at: 5s", "at: 5", "7:14: 5 is no duration"),
        ("at: 0s", "at: 9s", "7:14: earlier than the line before"),
        ("expect: [{", "expct: [{", "7:18: unknown name 'expct'; did you mean 'expect'?"),
        ("fire.yaml", "fires.yaml", "1:8: "),
        ("rules: [fire.yaml]", "packs: [fires]", "1:8: there is no rule pack 'fires'"),
        ("kind: smoke", "kin: smoke", "2:20: unknown name 'kin'; did you mean 'kind'?"),
        ("device: s1, report", "report", "6:9: 'device' is missing"),
        ("report: {alarm: true}", "age: 5s", "6:9: a line is either a report, an arm, a clock"),
    ],
)
def test_a_story_that_goes_otherwise_says_where(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    (tmp_path / "fire.yaml").write_text(rules.packs(["fire"])[0][1], encoding="utf-8")
    assert old in STORY
    story = tmp_path / "s.test.yaml"
    story.write_text(STORY.replace(old, new), encoding="utf-8")
    (result,) = trial.run([story])
    assert not result.passed
    assert any(f"{story}:{expected}" in str(p) for p in result.problems), result.problems


def test_a_story_may_use_shipped_packs(tmp_path: Path) -> None:
    story = tmp_path / "s.test.yaml"
    story.write_text(STORY.replace("rules: [fire.yaml]", "packs: [fire]"), encoding="utf-8")
    assert [result.passed for result in trial.run([story])] == [True]


def test_a_story_file_that_is_not_there_is_a_failure(tmp_path: Path) -> None:
    (result,) = trial.run([tmp_path / "none.test.yaml"])
    assert "No such file" in str(result.problems[0])


WRONG = """\
rules: [one.yaml]
places: [{code: G1, level: grid}]
devices: [{id: s1, kind: smoke, place: G1}]
stories:
  - name: one
    story:
      - {at: 0s, arm: away, place: G1}
      - {at: 1s, clock: 2h}
      - {at: 2s, rules: [two.yaml]}
      - {at: 3s, device: s1, report: {alarm: true}}
      - {at: 3s, expect: [{alarmed: two, device: s1}]}
      - {at: 9s, expect: [{changed: two, severity: critical}]}
"""


def written(name: str, *, raised: str = "") -> str:
    return (
        f"rules:\n  - {{name: {name}, title: T, on: smoke, when: alarm, severity: alarm,"
        f" category: life{raised}}}\n"
    )


def told(tmp_path: Path, text: str) -> list[str]:
    (tmp_path / "one.yaml").write_text(written("one"), encoding="utf-8")
    raised = ", raise: [{after: 5s, severity: critical}]"
    (tmp_path / "two.yaml").write_text(written("two", raised=raised), encoding="utf-8")
    story = tmp_path / "s.test.yaml"
    story.write_text(text, encoding="utf-8")
    return [str(p).removeprefix(f"{story}:") for r in trial.run([story]) for p in r.problems]


def test_a_story_may_arm_jump_the_clock_and_change_the_rules(tmp_path: Path) -> None:
    assert told(tmp_path, WRONG) == []


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("arm: away", "arm: awy", "7:23: there is no mode 'awy'; did you mean 'away'?"),
        ("arm: away, place: G1", "arm: away, place: G2", "7:36: there is no place 'G2'"),
        ("arm: away,", "arm: away, retained: true,", "7:9: 'retained' means nothing without"),
        ("arm: away,", "arm: away, clock: 2h,", "7:9: a line is either a report, an arm"),
        ("clock: 2h", "clock: soon", "8:25: 'soon' is no duration"),
        ("[two.yaml]", "[]", "9:25: an empty list; name at least one"),
        ("[two.yaml]", "[three.yaml]", "9:25: "),
        ("places:", "start: 2026-1\nplaces:", "2:8: '2026-1' is no time; write it like"),
        ("places:", "calendars: [no.ics]\nplaces:", "2:12: "),
        ("{changed: two,", "{changed: tow,", "12:37: there is no rule 'tow'; did you mean 'two'"),
        ("{changed: two,", "{changed: two, cleared: two,", "12:27: write either 'alarmed: RULE'"),
        ("changed: two, severity: critical", "changed: two, severity: notice", "12:27: did not"),
        ("report: {alarm: true}", "report: {alarm: true}, by: me", "10:9: 'by' means nothing"),
    ],
)
def test_what_is_wrong_in_a_story_is_said_where_it_stands(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert old in WRONG
    problems = told(tmp_path, WRONG.replace(old, new))
    assert any(problem.startswith(expected) for problem in problems), problems


HOLIDAYS = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:x
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:20260106
SUMMARY:holiday
END:VEVENT
END:VCALENDAR
"""
PLAN = """\
rules:
  - {name: r, title: T, on: infrared, when: alarm, armed: away, severity: alarm, category: intrusion}
plans:
  - name: nights
    title: T
    week: {mon-fri: "19:00-07:30"}
    holidays: holidays.ics
    on_holidays: "00:00-24:00"
"""
NIGHT = """\
rules: [plan.yaml]
calendars: [holidays.ics]
start: "2026-01-05 18:00"
devices: [{id: i1, kind: infrared, tags: [hall], driver: lora}]
stories:
  - name: a working day, its night, and the holiday after it
    story:
      - {at: 1s, device: i1, report: {alarm: true}}
      - {at: 59m, expect: []}
      - {at: 60m, expect: [{alarmed: r, found: armed, why: "alarm since 19:00:00"}]}
      - {at: 18h, device: i1, report: {alarm: false}}
      - {at: 18h, expect: [{cleared: r}]}
      - {at: 18h1m, device: i1, report: {alarm: true}}
      - {at: 18h1m, expect: [{alarmed: r, found: ""}]}
      - {at: 18h2m, arm: disarmed, by: "person:zhang", until: 2h}
      - {at: 18h2m, expect: [{cleared: r, why: "disarmed at 12:02:00 by zhang"}]}
      - {at: 20h1m, expect: []}
      - {at: 20h2m, expect: [{alarmed: r, found: armed}]}
  - name: a clock that jumps into the night
    start: "2026-01-07 12:00"
    story:
      - {at: 0s, device: i1, report: {alarm: true}}
      - {at: 1m, clock: 8h}
      - {at: 1m, expect: [{alarmed: r, found: armed}]}
      - {at: 2m, clock: -8h}
      - {at: 2m, expect: [{cleared: r}]}
"""


def test_a_story_begins_at_a_time_of_day_and_knows_plans_and_holidays(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text(PLAN, encoding="utf-8")
    (tmp_path / "holidays.ics").write_text(HOLIDAYS.replace("\n", "\r\n"), encoding="utf-8")
    assert told(tmp_path, NIGHT) == []
    (first, _) = trial.run([tmp_path / "s.test.yaml"])
    assert first.name.startswith("a working day")


def test_an_engine_that_forgets_at_a_restart_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rules.State, "take_dirty", lambda state: {})
    text = (
        STORY.replace("[fire.yaml]", "[one.yaml]")
        .replace("smoke_alarm", "one")
        .replace(
            "report: {alarm: true}}\n",
            "report: {alarm: true}}\n      - {at: 4s, device: s1, report: {alarm: false}}\n",
        )
        .replace("{alarmed: one, device: s1}", "{alarmed: one}, {cleared: one}")
    )
    assert told(tmp_path, text) == ["7:9: a restart here changes what follows"]


def test_an_engine_to_which_looking_matters_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticked: list[int] = []

    def tick(*args: object) -> list[object]:
        ticked.append(1)
        return []

    def stepping(*args: object) -> object:
        changes = step(*args)  # type: ignore[arg-type]
        return [] if len(ticked) > 5 else changes

    monkeypatch.setattr(trial, "tick", tick)
    monkeypatch.setattr(trial, "step", stepping)
    text = STORY.replace("[fire.yaml]", "[one.yaml]").replace("smoke_alarm", "one")
    problems = told(tmp_path, text)
    assert "6:9: looking in between changes what happens until here" in problems


def test_a_rule_that_fails_fails_the_story(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*args: object) -> object:
        state = args[2]
        assert isinstance(state, rules.State)
        state.failures["one"] = (1, "ValueError: broken")
        return step(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "step", failing)
    text = STORY.replace("[fire.yaml]", "[one.yaml]").replace("smoke_alarm", "one")
    assert told(tmp_path, text) == ["6:7: rule 'one' failed: ValueError: broken"]


def test_every_key_of_a_story_is_in_the_readme() -> None:
    readme = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    stories = readme[readme.index("## Stories") :]
    for model in (Line, Expected):
        for name in model.model_fields:
            assert f"`{name}" in stories, name
