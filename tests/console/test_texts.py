"""Every text is there in both languages, and the page uses none that is not in the table."""

from __future__ import annotations

import re
from pathlib import Path
from string import Formatter
from typing import Any

import gateway.console
from gateway.console.texts import TEXTS, texts_in
from gateway.model import (
    KINDS,
    MODES,
    ROLES,
    UNKNOWN_KIND,
    Category,
    Cause,
    End,
    Happened,
    Outcome,
    Quality,
    Severity,
    Stage,
    State,
    Text,
    every_value_name,
)
from gateway.notify.walk import HOPS
from gateway.registry.words import KIND_WORDS, ROLE_WORDS, STATE_WORDS
from tests.console.conftest import Client

HERE = Path(gateway.console.__file__).parent
CHINESE = re.compile(r"[一-鿿]")
SCRIPTS = sorted((HERE / "static").glob("*.js"))


def fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(sentence) if name}


def test_every_text_says_the_same_in_both_languages() -> None:
    for key, text in TEXTS.items():
        check_pair(key, text)


def check_pair(key: str, text: Text) -> None:
    assert text.zh.strip(), key
    assert text.en.strip(), key
    assert fields(text.zh) == fields(text.en), key
    if key != "page.language":
        assert not CHINESE.search(text.en), key
    if not fields(text.zh) and key not in ("page.language", "value.pm2_5", "list.separator", "list.colon"):  # fmt: skip
        assert CHINESE.search(text.zh), key


def test_every_name_of_the_model_has_a_word() -> None:
    names = every_value_name()
    flags = [name for name, its in names.items() if its.type is bool]
    wanted: dict[str, list[Any]] = {
        "hop": list(HOPS),
        "category": list(Category), "severity": list(Severity), "state": list(State),
        "outcome": list(Outcome), "happened": list(Happened), "end": ["", *End],
        "quality": list(Quality), "role": list(ROLES), "kind": [*KINDS, UNKNOWN_KIND],
        "value": list(names), "true": flags, "false": flags,
        "purpose": ["opened", "again", "cleared", "overdue", "closed", "warned", "transferred",
                    "supervised", "escalated", "reopened", "answer"],
        "cause": list(Cause), "stage": list(Stage), "because": ["limit", "shift", "left"],
        "mode": list(MODES), "arm": [*MODES, "plan"], "found": ["start", "late", "armed"],
        "device_state": ["planned", "installed", "accepted", "bypassed", "retired"],
    }  # fmt: skip
    for group, members in wanted.items():
        for member in members:
            name = getattr(member, "value", member)
            assert f"{group}.{name}" in TEXTS, f"{group}.{name}"


def test_every_text_that_the_page_asks_for_exists() -> None:
    asked: set[str] = set()
    for script in SCRIPTS:
        asked |= set(re.findall(r"\bt\(\"([a-z_.]+)\"", script.read_text(encoding="utf-8")))
    template = (HERE / "templates" / "page.html").read_text(encoding="utf-8")
    asked |= set(re.findall(r"\bt\([\"']([a-z_.]+)[\"']\)", template))
    assert len(asked) > 50
    assert {key for key in asked if not key.endswith(".")} <= set(TEXTS)


def test_scripts_and_template_hold_no_words_of_their_own() -> None:
    for path in [*SCRIPTS, HERE / "templates" / "page.html"]:
        text = path.read_text(encoding="utf-8")
        code = re.sub(r"//.*|<!--.*?-->", "", text)
        assert not CHINESE.search(code), path.name
        assert "innerHTML" not in text


def test_nothing_is_loaded_from_elsewhere_and_no_script_is_inline() -> None:
    for path in [*SCRIPTS, *(HERE / "static").glob("*.css"), HERE / "templates" / "page.html"]:
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
        assert not re.search(r"https?://", text), path.name
    template = (HERE / "templates" / "page.html").read_text(encoding="utf-8")
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", template))
    assert not re.search(r"\son\w+=|\sstyle=", template)


async def test_the_page_is_chinese_unless_english_was_chosen(client: Client) -> None:
    async def page(path: str) -> str:
        async with client.get(path) as answer:
            assert answer.status == 200
            return await answer.text()

    assert "社区安全值班台" in await page("/")
    assert "Community safety desk" in await page("/?lang=en")
    assert "Community safety desk" in await page("/"), "the cookie remembers"
    assert "Community safety desk" in await page("/?lang=fr"), "an unknown language changes nothing"
    assert "社区安全值班台" in await page("/?lang=zh")


def test_one_language_is_the_whole_table() -> None:
    assert texts_in("zh").keys() == texts_in("en").keys() == TEXTS.keys()
    assert texts_in("en")["act.receive"] == "Receive"


def test_what_the_page_calls_things_can_be_written_into_the_registry() -> None:
    groups = {"kind": KIND_WORDS, "role": ROLE_WORDS, "device_state": STATE_WORDS}
    for group, known in groups.items():
        for key, text in TEXTS.items():
            found, _, name = key.partition(".")
            if found == group and name != UNKNOWN_KIND:
                assert known.get(text.zh) == name, key
