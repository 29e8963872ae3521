from pathlib import Path

import pytest
import yaml

import rules
from gateway.model import KINDS, Category
from rules import trial

PACKS = Path(rules.__file__).parent / "packs"
NAMES = ["cameras", "fire", "intrusion", "manholes", "system", "trouble"]


def test_the_shipped_packs_are_these() -> None:
    assert rules.pack_names() == NAMES


def test_all_packs_load_together() -> None:
    ruleset = rules.load(rules.packs(NAMES))
    assert {rule.category for rule in ruleset.rules} == set(Category)
    for rule in ruleset.rules:
        assert rule.title.zh != rule.title.en


@pytest.mark.parametrize("name", NAMES)
def test_the_stories_of_a_pack_go_as_written(name: str) -> None:
    results = trial.run([PACKS / f"{name}.test.yaml"])
    assert results
    assert [str(p) for result in results for p in result.problems] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_of_a_pack_is_in_its_stories(name: str) -> None:
    told = (PACKS / f"{name}.test.yaml").read_text(encoding="utf-8")
    for rule in rules.load(rules.packs([name])).rules:
        assert f"alarmed: {rule.name}," in told


@pytest.mark.parametrize("name", NAMES)
def test_every_threshold_of_a_pack_has_its_source_beside_it(name: str) -> None:
    lines = (PACKS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        if any(sign in line.partition("#")[0] for sign in ("> ", ">= ", "for: ")):
            near = lines[max(0, number - 4) : number + 3]
            assert any("#" in other for other in near), f"{name}.yaml:{number + 1}"


def test_nothing_alarms_a_device_that_is_well() -> None:
    well = {"lamp": {"on": False}, "camera": {"online": True, "motion": False}}
    ruleset = rules.load(rules.packs(NAMES))
    assert set(well) < set(KINDS)
    for rule in ruleset.rules:
        for kind in rule.kinds or KINDS:
            assert not rule.when.holds(well.get(kind, {}).get)


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
        ("report: {alarm: true}", "age: 5s", "6:9: a line is either a report or an expect"),
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


def test_the_samples_are_plain_yaml() -> None:
    for path in PACKS.glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))
