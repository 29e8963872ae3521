from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from gateway.document import Problems
from gateway.model import SECOND, Category, Severity, Text
from rules.expression import ABSENT_MEANS
from rules.written import RuleSpec
from tests.rules.told import load, rule

GOOD = """\
rules:
  - name: smoke_alarm
    title: {zh: 烟感报警, en: Smoke alarm}
    on: smoke
    when: alarm
    severity: alarm
    category: life
"""


def problems(text: str) -> list[str]:
    with pytest.raises(Problems) as error:
        rules.load([("r.yaml", text)])
    return [str(problem) for problem in error.value.problems]


def test_a_rule_is_read_with_its_defaults() -> None:
    (one,) = rules.load([("r.yaml", GOOD)]).rules
    assert (one.name, one.title) == ("smoke_alarm", Text("烟感报警", "Smoke alarm"))
    assert (one.severity, one.category, one.same) == (Severity.alarm, Category.life, "device")
    assert (one.hold, one.keep, one.absent, one.rings_late) == (0, 0, None, True)
    assert one.again == 600 * SECOND
    assert one.kinds == {"smoke"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("on: smoke", "on: smok", "4:9: there is no kind 'smok'; did you mean 'smoke'?"),
        ("on: smoke", "on: [smoke, het]", "4:17: there is no kind 'het'; did you mean 'heat'?"),
        ("on: smoke", "on: []", "4:9: an empty list; name at least one"),
        ("on: smoke", "on: [any, smoke]", "4:5: 'any' already means every kind"),
        ("on: smoke", "on: {a: 1}", "4:9: on: "),
        ("on: smoke", "On: smoke", "4:5: unknown name 'On'"),
        ("    on: smoke\n", "", "2:5: 'on' is missing"),
        ("    name: smoke_alarm\n", "", "not YAML"),
        ("name: smoke_alarm", "name: 烟感", "2:11: '烟感' is no rule name"),
        ("name: smoke_alarm", "name: smoke alarm", "2:11: 'smoke alarm' is no rule name"),
        ("name: smoke_alarm", "name: 7", "2:11: name: "),
        ("name: smoke_alarm", f"name: {'a' * 65}", "2:11: 'aaaaa"),
        ("{zh: 烟感报警, en: Smoke alarm}", "{zh: 烟感报警}", "3:12: 'en' is missing"),
        ("{zh: 烟感报警, en: Smoke alarm}", "{zh: '', en: x}", "3:17: zh: string should have"),
        ("{zh: 烟感报警, en: Smoke alarm}", "{zh: a, en: b, de: c}", "3:27: unknown name 'de'"),
        ("when: alarm", "when: alrm", "5:11: when: unknown value 'alrm'; did you mean 'alarm'?"),
        ("when: alarm", "when: 'not  alrm'", "5:17: when: unknown value 'alrm'"),
        ("when: alarm", "when: alarm and\n      densty > 3", "6:7: when: unknown value 'densty'"),
        ("when: alarm", "when: >\n      alarm\n      and x", "7:11: when: unknown value 'x'"),
        ("when: alarm", "when: true", "5:11: when: "),
        ("when: alarm", "when: density > 3 3", "5:23: when: '3' is not expected here"),
        ("when: alarm", "when:", "2:5: a rule needs 'when'"),
        ("when: alarm", "wen: alarm", "5:5: unknown name 'wen'; did you mean 'when'?"),
        (
            "when: alarm",
            "when: alarm\n    clear: densty < 1",
            "6:12: clear: unknown value 'densty'",
        ),
        ("when: alarm", "when: alarm\n    for: 30", "6:10: 30 is no duration; write a number"),
        ("when: alarm", "when: alarm\n    for: 5 parsecs", "6:10: '5 parsecs' is no duration"),
        ("when: alarm", "when: alarm\n    keep: -5s", "6:11: '-5s' is no duration"),
        ("when: alarm", "when: alarm\n    again: nver", "6:12: 'nver' is no duration; write a"),
        ("when: alarm", "when: alarm\n    again: 30", "like 200ms, 5s, 10m, 1h or 7d, or never"),
        ("when: alarm", "when: alarm\n    same: bulding", "did you mean 'building'?"),
        ("when: alarm", "when: alarm\n    late: always", "6:11: 'always' is none of them"),
        ("when: alarm", "when: alarm\n    absent: device", "5:5: 'when' means nothing beside"),
        ("when: alarm", "when: alarm\n    incident: a b", "6:15: 'a b' is no such word"),
        ("when: alarm", "when: alarm\n    incident: [a]", "6:15: incident: "),
        ("when: alarm", "absent: 0s", "5:13: a silence of no length"),
        ("when: alarm", "absent: never", "5:13: 'never' is no duration"),
        ("when: alarm", "absent: 5h\n    keep: 3s", "6:5: 'keep' means nothing beside 'absent'"),
        ("when: alarm", "absent: 5h\n    again: 3s", "6:5: 'again' means nothing beside 'absent'"),
        ("when: alarm", "absent: 5h\n    late: ring", "6:5: 'late' means nothing beside 'absent'"),
        ("    when: alarm\n", "", "2:5: a rule needs 'when' (a condition), 'absent' (a"),
        ("when: alarm", "when: alarm\n    when: test", "6:5: 'when' is already set in line 5"),
        ("when: alarm", "when: alarm\n    device: []", "6:13: an empty list"),
        (
            "severity: alarm",
            "severity: alrm",
            "6:15: 'alrm' is none of them; did you mean 'alarm'?",
        ),
        ("category: life", "category: live", "7:15: 'live' is none of them; did you mean 'life'?"),
        ("    category: life\n", "", "2:5: 'category' is missing"),
        ("rules:", "rule:", "1:1: unknown name 'rule'; did you mean 'rules'?"),
        ("  - name", "  name", "not YAML"),
        (GOOD, "", "1:1: the file holds no 'rules', 'settings'"),
        (GOOD, "rules: []", "1:1: the file holds no 'rules', 'settings'"),
        (GOOD, "rules: [3]", "1:9"),
        (GOOD, "- a", "1:1"),
        (GOOD, "rules: !name [1]", "tags are not allowed"),
        (GOOD, "rules: [{", "not YAML"),
    ],
)
def test_a_bad_file_says_what_and_where(old: str, new: str, expected: str) -> None:
    assert old in GOOD or old == "    name: smoke_alarm\n"
    text = GOOD.replace(old, new) if old in GOOD else GOOD.replace("  - name", "  name")
    found = problems(text)
    assert any(expected in line and line.startswith("r.yaml:") for line in found), found


def test_all_problems_of_all_files_come_at_once() -> None:
    with pytest.raises(Problems) as error:
        rules.load(
            [
                (
                    "a.yaml",
                    GOOD.replace("alarm\n    cat", "alrm\n    cat").replace("when: al", "when: l"),
                ),
                ("b.yaml", GOOD.replace("on: smoke", "on: smok")),
            ]
        )
    found = [(p.file, p.line) for p in error.value.problems]
    assert found == [("a.yaml", 5), ("a.yaml", 6), ("b.yaml", 4)]


def test_a_name_may_be_used_once_over_all_files() -> None:
    with pytest.raises(Problems) as error:
        rules.load([("a.yaml", GOOD), ("b.yaml", GOOD)])
    assert str(error.value) == (
        "b.yaml:2:11: a rule 'smoke_alarm' is already in a.yaml:2; choose another name"
    )


def test_rules_of_one_incident_agree_on_its_place_and_category() -> None:
    first = GOOD.replace("when: alarm", "incident: fire\n    when: alarm\n    same: building")
    other = (
        first.replace("smoke_alarm", "heat").replace("building", "flat").replace("life", "trouble")
    )
    with pytest.raises(Problems) as error:
        rules.load([("a.yaml", first), ("b.yaml", other)])
    assert [str(problem) for problem in error.value.problems] == [
        "b.yaml:5:15: rules of incident 'fire' need one 'category': trouble here,"
        " life for 'smoke_alarm' in a.yaml:5",
        "b.yaml:5:15: rules of incident 'fire' need one 'same': flat here,"
        " building for 'smoke_alarm' in a.yaml:5",
    ]
    rules.load([("a.yaml", first), ("b.yaml", first.replace("smoke_alarm", "heat"))])


def test_a_rule_whose_name_is_the_word_of_others_shares_their_incident() -> None:
    with pytest.raises(Problems, match="rules of incident 'fire' need one 'same'"):
        load(rule("when: alarm; same: grid; incident: fire"), rule("when: alarm", name="fire"))


def test_a_name_of_another_kind_may_be_used() -> None:
    assert load(rule("when: water_level > 1")).rules[0].when.names == {"water_level"}


def test_an_unknown_pack_names_the_nearest() -> None:
    with pytest.raises(ValueError, match="no rule pack 'fires'; did you mean 'fire'"):
        rules.packs(["fires"])


@given(st.text(max_size=80))
def test_any_text_is_rules_or_problems(text: str) -> None:
    for body in (text, f"rules:\n  - {text}", GOOD.replace("alarm}", text), f"rules: [{{{text}}}]"):
        try:
            rules.load([("r.yaml", body)])
        except Problems as error:
            found = error.problems
        else:
            continue
        assert all(p.line >= 1 and p.column >= 1 and p.message for p in found)


@given(
    st.text(alphabet="'\" \n\\a>|#-é井", max_size=30),
    st.sampled_from(["'", '"', "|\n      ", ">\n      ", ""]),
)
def test_a_condition_of_any_layout_has_a_position(text: str, style: str) -> None:
    end = style if style in ("'", '"') else ""
    body = GOOD.replace("when: alarm", f"when: {style}{text} densty{end}")
    try:
        rules.load([("r.yaml", body)])
    except Problems as error:
        found = error.problems
    else:
        return
    assert all(p.line >= 1 and p.column >= 1 for p in found)


def test_every_keyword_and_every_assumed_value_is_in_the_readme() -> None:
    readme = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    for word in [*RuleSpec.model_fields, *ABSENT_MEANS]:
        assert f"`{word}`" in readme


def test_the_example_of_the_readme_is_a_rule_file() -> None:
    readme = (Path(rules.__file__).parent / "README.md").read_text(encoding="utf-8")
    example = readme.partition("```yaml\n")[2].partition("```")[0]
    assert rules.load([("README.md", example)]).rules[0].name == "smoke_dense"
