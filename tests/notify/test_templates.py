"""A site's own wording: what it may say, what is refused where, and that no alarm is lost to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from gateway.document import Problem
from gateway.notify import templates
from gateway.notify.about import About
from gateway.notify.templates import FACTS, LONGEST, Templates, check, load
from gateway.notify.wording import facts
from tests.notify.wording import FIRE, SITE, ZONE, writer, written


def faults(text: str) -> list[tuple[int, int, str]]:
    return [(found.line, found.column, found.message) for found in check("f.txt", text)]


def by(text: str, purpose: str = "opened", language: str = "zh", *, short: bool = False):  # type: ignore[no-untyped-def]
    return writer(templates=Templates({(purpose, language, short): text}))


def test_facts_of_templates_are_those_of_messages() -> None:
    about = About("opened", FIRE, SITE, (), SITE.devices["s301"], SITE.people["chen"], ZONE)
    assert set(FACTS) == {*facts(about), "title", "text", "short"}


def test_first_line_is_the_title_and_the_rest_the_text() -> None:
    own = "{{ head }}!{{ place }}\n{{ why }}\n{% for line in nearby %}\n- {{ line }}\n{% endfor %}\n电话 {{ call|first }}\n"
    said = written(by=by(own))
    assert said.title == "紧急!3号楼 3层 301室"
    assert said.text.split("\n") == [
        "烟雾浓度 0.31 %/m 高于 0.15，自 04:11:07 起",
        "- 同户 厨房温感：报警，温度 61.4 °C（04:11）",
        "- 302室烟感：无报警，烟雾 0.03 %/m（04:10）",
        "- 4层 401室 客厅烟感：无报警（01-05 23:11）",
        "电话 户主周先生 13800000011",
    ]
    assert said.short == written().short


def test_other_purposes_and_languages_keep_the_usual_wording() -> None:
    own = by("x\ny")
    assert written("cleared", by=own).text == written("cleared").text
    assert written(person="amy", by=own).text == written(person="amy").text


def test_short_form_can_be_worded_alone_and_stays_short() -> None:
    said = written(by=by("{{ place }}\n着火了 {{ key }}" + "长" * 90, short=True))
    assert said.short.startswith("3号楼 3层 301室 着火了 L20260106-0001长")
    assert len(said.short) == 70
    assert said.text == written().text


def test_usual_wording_can_be_built_on() -> None:
    said = written(by=by("{{ title }}\n{{ text }}\n物业 12345"))
    assert said.title == written().title
    assert said.text == written().text + "\n物业 12345"


@pytest.mark.parametrize("own", ["{{ head }}", " \n\n", "{% if not alarm %}{% endif %}"])
def test_template_without_a_text_leaves_the_usual_one(own: str) -> None:
    assert written(by=by(own.replace("alarm", "head"))).text == written().text


def test_long_text_is_cut() -> None:
    assert len(written(by=by("t\n" + "{{ text }}" * 100)).text) <= LONGEST


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a\n {{ plce }}", (2, 5, "unknown fact 'plce'; did you mean 'place'?")),
        ("{{ head|uper }}", (1, 9, "unknown filter 'uper'; did you mean 'upper'?")),
        ("{{ head|center(9) }}", (1, 9, "unknown filter 'center'")),
        ("{{ where|join(',') }}", (1, 10, "'join' is for the lists: nearby, call and kinds")),
        ("{{ call|join(text) }}", (1, 9, "'join' takes plain texts")),
        ("a\n{% for x in text %}{% endfor %}", (2, 4, "write a loop as {% for line in nearby %}")),
        ("{% for x in call %}{% for y in call %}{% endfor %}{% endfor %}", (1, 4, "write a loop")),
        ("{% for head in call %}{% endfor %}", (1, 4, "write a loop as")),
        ("{{ head.__class__ }}", (1, 1, "only facts, 'if', 'for' over lists")),
        ("{{ range(9) }}", (1, 1, "only facts")),
        ("{{ 'a' * 999999999 }}", (1, 1, "only facts")),
        ("{% set x = 1 %}", (1, 1, "only facts")),
        ("{% include 'x' %}", (1, 1, "only facts")),
        ("{% macro f() %}{% endmacro %}", (1, 1, "only facts")),
        ("a\n{% if %}", (2, 1, "not a template: ")),
        ("{{ head", (1, 1, "not a template: ")),
        ("{% if nearby > 3 %}x{% endif %}", (1, 1, "this can not be worded: '>' not supported")),
        ("\n{% if count > 3 %}x{% endif %}", (2, 1, "this can not be worded: '>' not supported")),
        ("{{ " + "9" * 5_000 + " }}", (1, 1, "nested too deeply, or a number is out of range")),
        ("{{ " + "(" * 5_000 + ")" * 5_000 + " }}", (1, 1, "nested too deeply")),
        ("{% if 1 %}" * 150 + "{% endif %}" * 150, (1, 1, "nested too deeply")),
    ],
)
def test_what_may_not_stand_in_a_template_is_named_with_its_place(
    text: str, fault: tuple[int, int, str]
) -> None:
    found = faults(text)
    assert found
    assert found[0][:2] == fault[:2]
    assert found[0][2].startswith(fault[2])


PIECES = st.sampled_from(
    ["{{ ", " }}", "{% if ", "{% for x in call %}", "{% endfor %}", "{% endif %}", " %}", "head",
     "call", "|join('x')", "|first", "|upper", " ~ ", " and ", "not ", "'a'", "1", "[0]", ".x", "(",
     ")", " if ", " else ", "*", "\n", "{#", "#}", "文"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14).map("".join))
def test_template_that_passes_the_check_never_fails_and_stays_small(text: str) -> None:
    if faults(text):
        return
    with structlog.testing.capture_logs() as log:
        said = written(by=by(text))
    assert log == []
    assert len(said.text) <= LONGEST


def test_template_that_fails_all_the_same_is_said_once_and_the_alarm_goes_out() -> None:
    own = by("{{ head }}\n{% if count > 3 %}x{% endif %}")
    with structlog.testing.capture_logs() as log:
        for _ in range(3):
            assert written(by=own).text == written().text
    assert [(entry["event"], entry["template"]) for entry in log] == [
        ("template_failed", "opened.zh.txt")
    ]


# --- the folder --------------------------------------------------------------------------------


def test_folder_is_read_and_its_faults_are_collected(tmp_path: Path) -> None:
    (tmp_path / "opened.zh.txt").write_text("{{ head }}\n好", encoding="utf-8")
    (tmp_path / "closed.en.short.txt").write_text("{{ key }}")
    (tmp_path / "cleared.zh.txt").write_text("{{ haed }}")
    (tmp_path / "opend.zh.txt").write_text("x")
    (tmp_path / "opened.fr.txt").write_text("x")
    (tmp_path / "overdue.zh.txt").write_bytes("超".encode("gbk"))
    (tmp_path / "warned.zh.txt").write_text("x" * 16_001)
    (tmp_path / "trial.zh.txt").mkdir()
    (tmp_path / ".swap").write_text("{{ nothing }}")
    found: list[Problem] = []
    loaded = load(tmp_path, found)
    assert len(loaded) == 2
    assert loaded.has("opened", "zh")
    assert loaded.has("closed", "en")
    assert not loaded.has("cleared", "zh")
    assert {Path(each.file).name: each.message for each in found} == {
        "cleared.zh.txt": "unknown fact 'haed'; did you mean 'head'?",
        "opend.zh.txt": "no message is for 'opend'; did you mean 'opened'?",
        "opened.fr.txt": "a template is called PURPOSE.zh.txt, PURPOSE.en.txt or PURPOSE.zh.short.txt",
        "overdue.zh.txt": "not UTF-8; save the file with encoding UTF-8",
        "warned.zh.txt": "larger than 16,000 bytes",
        "trial.zh.txt": "can not be read: Is a directory",
    }


def test_folder_that_can_not_be_read_and_too_many_files_are_named(tmp_path: Path) -> None:
    found: list[Problem] = []
    assert len(load(tmp_path / "none", found)) == 0
    assert found[0].message == "can not be read: No such file or directory"
    for number in range(templates.MAX_FILES + 1):
        (tmp_path / f"{number}.txt").touch()
    found.clear()
    load(tmp_path, found)
    assert f"more than {templates.MAX_FILES} files" in {each.message for each in found}
