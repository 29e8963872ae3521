"""Everything that a check can say is said in Chinese: what is ours, pydantic's and YAML's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field

from gateway.cli._problems import in_chinese
from gateway.config import plugins
from gateway.config.catalogue import Entry, drivers
from gateway.document import Document, Problem, Problems, parse, validate
from tests.cli.messages import Message, every_message, modules

NEVER_SHOWN: Final = {
    ("drivers/_values.py", ""): "about a device's message: the reason kept in the quarantine",
    ("drivers/_times.py", ""): "about a device's message: the reason kept in the quarantine",
    ("drivers/_fields.py", "shown(raw)"): "about a device's message, as above",
    ("gateway/document.py", "message[:1].lower()"): "pydantic's words: tried out below",
}
"""File and a part of the message (all of the file without one) -> why it needs no Chinese."""

_CHINESE: Final = re.compile(r"[\u4e00-\u9fff]")
_ENGLISH: Final = re.compile(r"[A-Za-z]+(?: [a-z]+){2,}")
"""Three words on end: more than a name, and left over from a message."""
_WORD_OF_THE_SITE: Final = re.compile(r"\bQ\d\b")

_VALUES: Final[tuple[Any, ...]] = (
    *(None, True, -1, 0, 1, 2.5, 10**12, 1e300, float("inf")),
    *("", "?", "x y/#", "x" * 500, "(", "5", "0s", "9999d", "http://u:p@h", "a/+/b", "nosuch.yaml"),
    *([], ["?"], [[]], [{}], [1] * 300, {}, {"?": "?"}, {"?": {}}, {"?": 1}),
)
"""What an installer may write where something else belongs."""


def _shown(file: str) -> Iterator[Message]:
    """What ``file`` can say to an installer."""
    parts = [part for allowed, part in NEVER_SHOWN if allowed == file]
    for message in every_message():
        if message.file == file and not any(part in message.written for part in parts):
            yield message


def is_whole(english: str, chinese: str) -> bool:
    """Whether ``chinese`` is what a Chinese reader expects of ``english``."""
    known = re.sub(r";(?:可用的有|是不是想写).*", "", chinese)
    return (
        chinese != english
        and _CHINESE.search(chinese) is not None
        and _ENGLISH.search(_WORD_OF_THE_SITE.sub("", known)) is None
        and all(word in chinese for word in _WORD_OF_THE_SITE.findall(english))
    )


def test_the_search_finds_the_messages_of_every_checker() -> None:
    messages = every_message()
    files = {message.file for message in messages}
    for part in ("drivers/modbus/points.py", "rules/syntax.py", "gateway/registry/read.py"):
        assert part in files
    assert len([m for m in modules() if m.path.name == "options.py"]) >= 20
    assert len(messages) >= 250


@pytest.mark.parametrize("file", sorted({message.file for message in every_message()}))
def test_every_message_of_a_checker_has_its_chinese(file: str) -> None:
    missing = [
        f"{message.file}:{message.line}: {english!r} gives {in_chinese(english)!r}"
        for message in _shown(file)
        for english in message.examples
        if not is_whole(english, in_chinese(english))
    ]
    assert missing == [], "put them into gateway/cli/problems.zh.yaml"


def test_no_installer_has_to_read_a_pattern() -> None:
    patterns = {pattern for module in modules() for pattern in module.patterns()}
    assert len(patterns) >= 15
    assert [p for p in patterns if not is_whole(p, in_chinese(p))] == []


def test_what_needs_no_chinese_is_still_there() -> None:
    messages = every_message()
    for file, part in NEVER_SHOWN:
        assert any(m.file == file and part in m.written for m in messages)


# --- the words of pydantic, as the document puts them ---------------------------------------


class _Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int = 0


class _Everything(BaseModel):
    """One field for each constraint that options are made of."""

    model_config = ConfigDict(extra="forbid")
    needed: int
    text: Annotated[str, Field(min_length=1, max_length=5)] = "a"
    longer: Annotated[str, Field(min_length=3, max_length=5)] = "abc"
    pattern: Annotated[str, Field(pattern=r"^[a-z]+$")] = "a"
    whole: Annotated[int, Field(ge=2, le=4)] = 2
    between: Annotated[float, Field(gt=2, lt=4, allow_inf_nan=False)] = 3
    step: Annotated[int, Field(multiple_of=5)] = 5
    flag: bool = False
    word: Literal["red", "green"] = "red"
    number: Literal[1, 2] = 1
    either: int | Literal["auto"] = 1
    raw: Annotated[bytes, Field(min_length=1, max_length=2)] = b"a"
    path: Path = Path()
    items: Annotated[list[int], Field(min_length=1, max_length=2)] = [1]
    pairs: Annotated[list[int], Field(min_length=2, max_length=9)] = [1, 2]
    row: Annotated[tuple[int, ...], Field(max_length=2)] = ()
    span: tuple[float, float] = (0, 1)
    names: Annotated[dict[str, int], Field(max_length=1)] = {}
    some: set[int] = set()
    inner: _Inner = _Inner()


def _wrong(document: Document, model: type[BaseModel], path: tuple[str, ...]) -> list[Problem]:
    try:
        validate(document, model, path)
    except Problems as error:
        return error.problems
    return []


@pytest.mark.parametrize("field", list(_Everything.model_fields))
def test_every_constraint_is_explained_in_chinese(field: str) -> None:
    found: set[str] = set()
    for value in (*_VALUES, "abcdefgh", "A", [1, 2, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [1]):
        data = {"needed": 1} | {field: value}
        found |= {p.message for p in _wrong(Document("", data, {}, {}), _Everything, ())}
    found |= {p.message for p in _wrong(Document("", {}, {}, {}), _Everything, ())}
    assert len(found) > 1
    assert [m for m in found if not is_whole(m, in_chinese(m))] == []


# --- every option of every driver, written wrong ---------------------------------------------


def _mutations(data: Any) -> Iterator[Any]:
    """``data`` with each part of it replaced by each wrong value, left out, or one too many."""
    yield from _VALUES
    if isinstance(data, dict):
        yield data | {"nosuch": 1}
        for key, value in data.items():
            yield {k: v for k, v in data.items() if k != key}
            yield from (data | {key: other} for other in _mutations(value))
    elif isinstance(data, list):
        for index, value in enumerate(data[:2]):
            yield from ([*data[:index], other, *data[index + 1 :]] for other in _mutations(value))


def _with_every_option(section: str, kind: str, entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """``entry`` with each option of its type set to each wrong value."""
    for name, field in plugins.options_class(section, kind).model_fields.items():
        yield from (entry | {field.alias or name: value} for value in _VALUES)


def _not_in_chinese(section: str, entries: Iterator[Any]) -> set[str]:
    left: set[str] = set()
    for entry in entries:
        found: list[Problem] = []
        plugins.read(Document("site.yaml", {section: {"it": entry}}, {}, {}), section, found)
        messages = {problem.message for problem in found}
        left |= {m for m in messages if not is_whole(m, in_chinese(m))}
    return left


@pytest.mark.parametrize("entry", drivers(), ids=lambda entry: entry.name)
def test_whatever_is_wrong_in_the_sample_of_a_driver_is_said_in_chinese(entry: Entry) -> None:
    sample = parse("sample.yaml", entry.sample).data
    for written in sample.get("drivers", sample).values():
        assert _not_in_chinese("drivers", _mutations(written)) == set()
        wrong = _with_every_option("drivers", written["type"], written)
        assert _not_in_chinese("drivers", wrong) == set()


@pytest.mark.parametrize(
    ("section", "kind"),
    [(section, kind) for section in ("sinks", "notifiers") for kind in plugins.types(section)],
)
def test_whatever_is_wrong_in_a_sink_or_notifier_is_said_in_chinese(
    section: str, kind: str
) -> None:
    assert _not_in_chinese(section, _with_every_option(section, kind, {"type": kind})) == set()


# --- other people's words, and messages within messages --------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a: b: c",
            "a: [1, 2",
            "a: {b: 1",
            'a: "b',
            "a: %b",
            "a: @b",
            "a: *b",
            "a: &",
            "- a\nb: 1",
        ),
        *('a: "\\q"', "a: 1\n---\nb: 1", "a:\n\t- b", "a: !x b", "a: 1\na: 2", "a:\n  b: 1\n c: 2"),
        *("a: ]", "a: - b", "a: \x07", "a: 1\nb\nc: 2", "? [a]\n: b", "a: |x\n", "a: 1\n  b: 2"),
    ],
)
def test_broken_yaml_is_explained_in_chinese(text: str) -> None:
    with pytest.raises(Problems) as caught:
        parse("site.yaml", text)
    for problem in caught.value.problems:
        assert is_whole(problem.message, in_chinese(problem.message)), problem.message


def test_faults_of_a_second_file_are_put_into_chinese_one_by_one() -> None:
    english = (
        "maps/pump.yaml:3:5: 'points' is missing;"
        " maps/pump.yaml:9:3: unknown name 'valeu'; did you mean 'value'?"
    )
    assert in_chinese(english) == (
        "maps/pump.yaml:3:5: 缺少 points;"
        "maps/pump.yaml:9:3: 没有名为 valeu 的选项;是不是想写 value?"
    )
    cut = english[:70] + "…"
    assert in_chinese(cut) == (
        "maps/pump.yaml:3:5: 缺少 points;maps/pump.yaml:9:3: ……(后面太长,未全部显示)"
    )


def test_a_hint_in_the_middle_keeps_what_follows() -> None:
    english = "unknown value 'alrm'; did you mean 'alarm'?; for others write extra.NAME"
    assert in_chinese(english) == (
        "没有名为 alrm 的数值(表外的数值请写 extra.NAME);是不是想写 alarm?"
    )


def test_of_two_entries_that_fit_the_one_that_says_more_counts() -> None:
    assert in_chinese("when: a value is expected here, not 'the end'") == (
        "when:条件没有写完,此处应有一个数值"
    )


def test_words_of_python_are_shown_as_the_installer_wrote_them() -> None:
    assert in_chinese(
        "True is no duration; write a number with a unit, like 200ms, 5s, 10m, 1h or 7d"
    ).startswith("true 不是时长")
    assert in_chinese("'' is none of them; known: a, b") == "(空) 不在可选范围内;可用的有:a, b"
    assert in_chinese("x: input should be 'a' or 'b'") == "x:应为 'a' 或 'b'"


@pytest.mark.parametrize(
    "message", ["", "something new", "when: something new", "a.yaml:1:2: something new"]
)
def test_a_message_that_nobody_knows_stays_as_it_is(message: str) -> None:
    assert in_chinese(message) == message


@pytest.mark.parametrize("message", ["a: " * 133 + "b", "x" * 400, "row 1: , or never" * 23])
def test_no_message_takes_long(message: str) -> None:
    assert in_chinese(message) == message


def test_what_the_site_wrote_is_never_read_as_the_table() -> None:
    assert in_chinese("'{name} is empty' is missing") == "缺少 {name} is empty"
