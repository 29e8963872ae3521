import re
from pathlib import Path

import pytest
import yaml

import rules
from gateway.config.settings import SHIPPED_PACKS
from gateway.model import KINDS, Category, Site
from rules import trial
from rules.review import review

PACKS = Path(rules.__file__).parent / "packs"
NAMES = ["cameras", "fire", "intrusion", "lamps", "manholes", "system", "trouble"]


def test_the_shipped_packs_are_these() -> None:
    assert rules.pack_names() == NAMES
    assert sorted(SHIPPED_PACKS) == NAMES


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
def test_a_pack_is_whole_by_itself_and_nothing_in_it_is_odd(name: str) -> None:
    assert review(rules.load(rules.packs([name])), Site()) == []


def test_nothing_is_odd_in_the_packs_together() -> None:
    assert review(rules.load(rules.packs(SHIPPED_PACKS)), Site()) == []


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_of_a_pack_alarms_and_clears_in_its_stories(name: str) -> None:
    told = yaml.safe_load((PACKS / f"{name}.test.yaml").read_text(encoding="utf-8"))
    lines = [line for story in told["stories"] for line in story["story"]]
    expected = [one for line in lines for one in line.get("expect", ())]
    ruled = [rule for rule in rules.load(rules.packs([name])).rules if not rule.recorded]
    for turn in ("alarmed", "cleared"):
        said = {one[turn] for one in expected if turn in one}
        assert {rule.name for rule in ruled} - said == set()
    said = {one["changed"] for one in expected if "changed" in one}
    assert {rule.name for rule in ruled if rule.raises} - said == set()


@pytest.mark.parametrize("name", NAMES)
def test_every_number_of_a_pack_has_its_source_beside_it(name: str) -> None:
    lines = (PACKS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
    blocks = "\n".join(lines).split("  - name: ")
    for block in blocks[1:]:
        if any(
            key in block for key in ("with:", "for:", "within:", "absent: 1", "entry:", "exit:")
        ):
            assert "#" in block.partition("again: 24h")[0], block.partition("\n")[0]


@pytest.mark.parametrize("name", NAMES)
def test_no_number_of_a_pack_is_out_of_reach_of_settings(name: str) -> None:
    number = re.compile(r"[<>=] ?-?[0-9]")
    enough = re.compile(r"count\(\w+, \w+\) > 1")  # two reports at least: no threshold
    for rule in yaml.safe_load((PACKS / f"{name}.yaml").read_text(encoding="utf-8"))["rules"]:
        conditions = [rule.get("when", ""), rule.get("clear", "")]
        conditions += [line.get("when", "") for line in rule.get("raise", ())]
        for condition in conditions:
            known = rule["name"] == "broker_drops"  # any lost message is too many
            assert known or not number.search(enough.sub("", condition)), condition


def test_nothing_alarms_a_device_that_is_well() -> None:
    well = {"lamp": {"on": False}, "camera": {"online": True, "motion": False}}
    ruleset = rules.load(rules.packs(NAMES))
    assert set(well) < set(KINDS)
    for rule in ruleset.rules:
        for kind in rule.kinds or KINDS:
            assert not rule.when.holds(well.get(kind, {}).get)


def test_the_samples_are_plain_yaml() -> None:
    for path in PACKS.glob("*.yaml"):
        assert yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_readme_names_every_pack_and_every_word_of_the_registry() -> None:
    readme = (PACKS / "README.md").read_text(encoding="utf-8")
    ruleset = rules.load(rules.packs(NAMES))
    words = {word for rule in ruleset.rules for word in rule.tags | rule.not_tags}
    assert [name for name in [*NAMES, *words] if f"| `{name}` |" not in readme] == []
