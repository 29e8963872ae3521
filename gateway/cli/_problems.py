"""A problem in the reader's language.

Problems are made in English, where the fault is found; the installer's Chinese comes from the
table ``problems.zh.yaml``, so that no checker needs to know two languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from pathlib import Path
from typing import Final, NamedTuple

from gateway.cli._say import language
from gateway.document import Problem, parse

_TABLE: Final = Path(__file__).with_name("problems.zh.yaml")
_HINT: Final = re.compile(r"; (?:did you mean ['\"](?P<one>.*?)['\"]\?|known:(?P<all>[^;]*))")
_PLACE: Final = re.compile(r"(?:^|; )(?P<place>[^;:]+:\d+:\d+): ")
"""Where one of the faults of a second file begins, such as of a register map."""
_HOLE: Final = re.compile(r"('?)\{([a-z]+)\}\1")
_MESSAGE: Final = "message"
"""The hole that holds a message of its own; the pattern fits only if that one is known."""
_REASON: Final = "reason"
"""The hole whose words may be the system's: put into Chinese where the table has them."""

_CUT: Final = "……(后面太长,未全部显示)"
_CHOICES: Final = "choices"
_SHOWN: Final = {"": "(空)", "None": "(空)", "True": "true", "False": "false"}
"""What Python writes -> what the reader wrote."""


class _Entry(NamedTuple):
    """A message with holes and its Chinese; of two that fit, the one that says more is taken."""

    pattern: re.Pattern[str]
    chinese: str
    said: int
    """Characters outside of the holes."""


def sentence(problem: Problem) -> str:
    """``file:line:column: message``, in Chinese where the reader wants it and the table has it."""
    if language() != "zh":
        return str(problem)
    return str(problem._replace(message=in_chinese(problem.message)))


def told(message: str) -> str:
    """``message`` in the reader's language."""
    return in_chinese(message) if language() == "zh" else message


def in_chinese(message: str) -> str:
    """``message`` by the table; as it is where the table has nothing."""
    return _faults_of_a_file(message) or _known(message) or message


def _faults_of_a_file(message: str) -> str:
    """``FILE:LINE:COLUMN: fault; FILE:…`` with the faults in Chinese that are known, or ""."""
    places = list(_PLACE.finditer(message))
    if not places or places[0].start() != 0:
        return ""
    ends = [place.start() for place in places[1:]] + [len(message)]
    faults = [message[p.end() : end] for p, end in zip(places, ends, strict=True)]
    told = [_known(fault) or (_CUT if fault.endswith("…") else fault) for fault in faults]
    if told == faults:
        return ""
    return ";".join(f"{p['place']}: {one}" for p, one in zip(places, told, strict=True))


def _known(message: str) -> str:
    """``message`` by the table, or ""."""
    return _best(message)[1]


@lru_cache(maxsize=1_024)
def _best(message: str) -> tuple[int, str]:
    """The Chinese of the entry that says most of ``message``, and how many characters it says."""
    hint = _HINT.search(message)
    tail = ""
    if hint and hint["one"] is not None:
        tail = f";是不是想写 {hint['one']}?"
    elif hint:
        tail = f";可用的有:{hint['all'].strip() or '(一个也没有)'}"
    head = message[: hint.start()] + message[hint.end() :] if hint else message
    best = (0, "")
    for entry in _table():
        if (found := entry.pattern.fullmatch(head)) is None:
            continue
        said, chinese = _filled(entry, found.groupdict())
        if chinese and said > best[0]:
            best = (said, chinese + tail)
    return best


def _filled(entry: _Entry, found: Mapping[str, str]) -> tuple[int, str]:
    """The Chinese of ``entry`` with its holes filled; "" if a message in it is not known."""
    said = entry.said
    words = {hole: _SHOWN.get(word, word) for hole, word in found.items()}
    if _MESSAGE in words:
        more, words[_MESSAGE] = _best(words[_MESSAGE])
        if not more:
            return 0, ""
        said += more
    if _REASON in words:
        more, reason = _best(words[_REASON])
        words[_REASON] = reason or words[_REASON]
        said += more
    if _CHOICES in words:
        words[_CHOICES] = words[_CHOICES].replace(" or ", " 或 ")
    return said, _HOLE.sub(lambda hole: words.get(hole[2], hole[0]), entry.chinese)


@cache
def _table() -> tuple[_Entry, ...]:
    """The entries; read when the first message is wanted."""
    written = parse(_TABLE.name, _TABLE.read_text(encoding="utf-8")).data
    return tuple(_entry(english, chinese) for english, chinese in written.items())


def _entry(english: str, chinese: str) -> _Entry:
    """A hole in quotes takes a word in either kind of quotes, as Python writes it."""
    pattern, at, said = "", 0, 0
    for hole in _HOLE.finditer(english):
        quote = "['\"]" if hole[1] else ""
        pattern += re.escape(english[at : hole.start()]) + f"{quote}(?P<{hole[2]}>.*?){quote}"
        said += hole.start() - at
        at = hole.end()
    pattern += re.escape(english[at:])
    return _Entry(re.compile(pattern, re.DOTALL), chinese, said + len(english) - at)
