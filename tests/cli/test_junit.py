"""``gridwarden test --junit``: what a build server reads of the stories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from xml.etree.ElementTree import Element, fromstring

import pytest

from gateway.cli import _junit
from gateway.document import Problem
from rules.trial import Result
from tests.cli.test_commands import gridwarden

RULES = """
rules:
  - {name: smoky, title: Smoke, on: smoke, when: alarm, severity: alarm, category: life}
"""
STORIES = """
rules: [own.yaml]
devices: [{id: s1, kind: smoke}]
stories:
  - name: heard
    story:
      - {at: 0s, device: s1, report: {alarm: true}}
      - {at: 1s, expect: [{alarmed: smoky}]}
  - name: "wrong <b> & ]]> \\u0007 \\"quoted\\""
    story:
      - {at: 0s, device: s1, report: {alarm: false}}
      - {at: 1s, expect: [{alarmed: smoky}]}
"""
ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors"},
    "testsuite": {"name", "tests", "failures", "errors"},
    "testcase": {"name", "classname"},
    "failure": {"type", "message"},
}
"""What we write is what the Jenkins xUnit schema knows and GitLab reads; all of it is required."""
INSIDE = {
    "testsuites": {"testsuite"},
    "testsuite": {"testcase"},
    "testcase": {"failure"},
    "failure": set[str](),
}


def read(document: bytes) -> Element:
    """The report by a parser that stops at the first fault, held to the common schema."""
    root = fromstring(document)
    assert root.tag == "testsuites"
    for element in root.iter():
        assert set(element.keys()) == ATTRIBUTES[element.tag]
        assert {child.tag for child in element} <= INSIDE[element.tag]
    for counted in (root, *root):
        assert int(counted.attrib["tests"]) == len(list(counted.iter("testcase")))
        assert int(counted.attrib["failures"]) == len(list(counted.iter("failure")))
        assert counted.attrib["errors"] == "0"
    return root


def folder(tmp_path: Path) -> Path:
    """A site's rules with a story that goes as written and one that does not."""
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "own.yaml").write_text(RULES, encoding="utf-8")
    (rules / "own.test.yaml").write_text(STORIES, encoding="utf-8")
    return rules


def junit(tmp_path: Path, *files: Path) -> tuple[subprocess.CompletedProcess[str], Element]:
    report = tmp_path / "report.xml"
    done = gridwarden("test", "--junit", str(report), *map(str, files))
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    return done, read(report.read_bytes())


def test_report_has_a_case_for_each_story_and_the_place_of_each_failure(tmp_path: Path) -> None:
    rules = folder(tmp_path)
    done, root = junit(tmp_path, rules)
    assert done.returncode == 1
    assert [suite.attrib["name"] for suite in root] == [str(rules / "own.test.yaml")]
    heard, wrong = root.iter("testcase")
    assert heard.attrib["name"] == "heard"
    assert heard.attrib["classname"].endswith(".rules.own")
    assert list(heard) == []
    assert wrong.attrib["name"] == 'wrong <b> & ]]> \N{REPLACEMENT CHARACTER} "quoted"'
    (failure,) = wrong
    assert failure.attrib["message"].startswith(f"{rules / 'own.test.yaml'}:12:27: did not happen")
    assert failure.text == failure.attrib["message"]


def test_all_passed_exits_with_0_and_replaces_the_report_of_a_run_before(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text("<old/>", encoding="utf-8")
    stories = folder(tmp_path) / "own.test.yaml"
    stories.write_text(STORIES.partition('  - name: "wrong')[0], encoding="utf-8")
    done, root = junit(tmp_path, stories)
    assert done.returncode == 0, done.stdout
    assert root.attrib["failures"] == "0"
    assert root.attrib["tests"] == "1"


def test_file_that_can_not_be_read_is_a_failing_case_and_the_others_are_told(
    tmp_path: Path,
) -> None:
    rules = folder(tmp_path)
    (rules / "broken.test.yaml").write_text("stories: [\n", encoding="utf-8")
    (rules / "bytes.test.yaml").write_bytes(b"\xff\xfe stories")
    done, root = junit(tmp_path, rules)
    assert done.returncode == 1
    first = {suite.attrib["name"].rpartition("/")[2]: suite[0] for suite in root}
    assert list(first) == ["broken.test.yaml", "bytes.test.yaml", "own.test.yaml"]
    for name in ("broken.test.yaml", "bytes.test.yaml"):
        assert first[name].attrib["name"] == name
        assert first[name].find("failure") is not None


def test_no_stories_at_all_are_an_empty_report_and_exit_with_1(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done, root = junit(tmp_path, tmp_path / "empty")
    assert done.returncode == 1
    assert root.attrib["tests"] == "0"


def test_report_on_the_standard_output_stands_there_alone(tmp_path: Path) -> None:
    done = gridwarden("test", "--junit", "-", str(folder(tmp_path)))
    assert done.returncode == 1
    assert read(done.stdout.encode()).attrib["failures"] == "1"
    assert "+ own.test.yaml: heard\n" in done.stderr
    assert "2 stories, 1 failed\n" in done.stderr


def test_messages_of_the_report_are_in_the_readers_language(tmp_path: Path) -> None:
    done = gridwarden("--lang", "zh", "test", "--junit", "-", str(folder(tmp_path)))
    (failure,) = read(done.stdout.encode()).iter("failure")
    assert "没有发生" in failure.attrib["message"]


def test_report_is_never_renamed_over_what_is_no_file(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    done = gridwarden("test", "--junit", str(pipe), str(folder(tmp_path)))
    assert done.returncode == 2
    assert "not a regular file" in done.stderr
    assert done.stdout == ""
    assert pipe.is_fifo()


def test_report_in_a_folder_that_is_not_there_is_wrong_usage_before_the_run(
    tmp_path: Path,
) -> None:
    done = gridwarden("test", "--junit", str(tmp_path / "no" / "report.xml"))
    assert done.returncode == 2
    assert "there is no folder" in done.stderr
    assert done.stdout == ""


def test_link_to_a_report_stays_a_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.xml", tmp_path / "link.xml"
    link.symlink_to(real)
    _junit.write(link, b"<new/>")
    assert link.is_symlink()
    assert real.read_bytes() == b"<new/>"


def test_report_that_can_not_be_written_leaves_the_old_one_and_nothing_else(
    tmp_path: Path,
) -> None:
    taken = tmp_path / "report.xml"
    taken.mkdir()
    with pytest.raises(OSError, match="directory"):
        _junit.write(taken, b"<new/>")
    assert list(tmp_path.iterdir()) == [taken]


def test_names_that_xml_can_not_carry_and_names_said_twice_are_told_apart() -> None:
    path = Path("shelf/\udcff\x00.test.yaml")
    problem = Problem(str(path), 3, 7, "\x1b[31mred\x1b[0m\nnext \ud800")
    results = [Result(str(path), name, (problem,)) for name in ("same", "same", "\x0b", "")]
    root = read(_junit.report([(path, results)]))
    names = [case.attrib["name"] for case in root.iter("testcase")]
    assert len(set(names)) == 4
    assert names[:2] == ["same", "same (2)"]
    assert all("\x1b" not in (failure.text or "") for failure in root.iter("failure"))
