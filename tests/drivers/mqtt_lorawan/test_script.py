"""Codecs in JavaScript: what is understood, what is refused, and that nothing gets out or hangs."""

from __future__ import annotations

import contextlib
import gc
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers.mqtt.lorawan import script
from drivers.mqtt.lorawan.script import STRIKES, Script, Scripts
from tests.processes import children

UPLINK = "function decodeUplink(input) { %s }"
PATIENCE = 9.0
"""Seconds that a hostile codec may cost on a noisy machine; the kernel ends it after 0.1 s of computing."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def scripts(folder: Path) -> Iterator[Scripts]:
    made = Scripts(folder)
    yield made
    made.close()


def codec(scripts: Scripts, folder: Path, source: str, name: str = "Sensor-1.js") -> Script:
    (folder / name).write_text(source)
    touched(folder)
    found = scripts.find([name])
    assert found is not None
    return found


def touched(path: Path) -> None:
    """A file system's clock is coarse: two changes in one tick look the same."""
    touched.ticks += 1_000_000_000  # type: ignore[attr-defined]
    stamp = 1_700_000_000_000_000_000 + touched.ticks  # type: ignore[attr-defined]
    os.utime(path, ns=(stamp, stamp))


touched.ticks = 0  # type: ignore[attr-defined]


# --- the forms --------------------------------------------------------------------------------

FORMS = {
    "decodeUplink": "function decodeUplink(input) { return {data: {n: input.bytes.length, port: input.fPort}}; }",
    "with warnings": "function decodeUplink(i) { return {data: {n: i.bytes.length, port: i.fPort}, warnings: ['old'], errors: []}; }",
    "a constant": "const decodeUplink = (input) => ({data: {n: input.bytes.length, port: input.fPort}});",
    "module.exports": "module.exports = { decodeUplink(input) { return {data: {n: input.bytes.length, port: input.fPort}}; } };",
    "exports": "exports.decodeUplink = function (input) { return {data: {n: input.bytes.length, port: input.fPort}}; };",
    "ChirpStack v3": "function Decode(fPort, bytes, variables) { return {n: bytes.length, port: fPort}; }",
    "The Things Network v2": "function Decoder(bytes, port) { return {n: bytes.length, port: port}; }",
    "an object without data": "function decodeUplink(input) { return {n: input.bytes.length, port: input.fPort}; }",
    "with a byte order mark": "\ufefffunction Decoder(bytes, port) { return {n: bytes.length, port: port}; }",
}


@pytest.mark.parametrize("source", FORMS.values(), ids=FORMS)
def test_every_standard_form_of_a_codec_is_understood(
    scripts: Scripts, folder: Path, source: str
) -> None:
    assert codec(scripts, folder, source).decode(85, b"abc") == {"n": 3, "port": 85}


def test_a_file_with_all_forms_is_called_by_its_newest(scripts: Scripts, folder: Path) -> None:
    source = (
        "function Decoder(b, p) { return {form: 'old'}; } function Decode(p, b) { return {form: 'v3'}; }"
        + UPLINK % "return {data: {form: 'new'}};"
    )
    assert codec(scripts, folder, source).decode(1, b"\0") == {"form": "new"}


def test_bytes_are_an_array_of_numbers(scripts: Scripts, folder: Path) -> None:
    source = UPLINK % "return {data: {list: Array.isArray(input.bytes), all: input.bytes}};"
    found = codec(scripts, folder, source).decode(1, bytes(range(256)))
    assert found == {"list": True, "all": list(range(256))}


def test_a_real_codecs_arithmetic_is_right(scripts: Scripts, folder: Path) -> None:
    source = UPLINK % (
        "var t = input.bytes[0] << 8 | input.bytes[1]; if (t > 0x7fff) t -= 0x10000;"
        "return {data: {temperature: t / 10, open: (input.bytes[2] & 1) === 1}};"
    )
    found = codec(scripts, folder, source).decode(2, b"\xff\x9c\x01")
    assert found == {"temperature": -10, "open": True}


def test_the_only_clock_stands_still_at_the_uplinks_time(scripts: Scripts, folder: Path) -> None:
    source = UPLINK % (
        "return {data: {now: Date.now(), made: new Date().getTime(), sent: input.recvTime.toISOString(),"
        " given: new Date(86400000).toISOString(), hour: new Date(0).getHours(),"
        " is: new Date() instanceof Date, text: typeof Date(), back: new (new Date().constructor)().getTime(),"
        " random: Math.random() === Math.random(), timer: typeof performance, wait: typeof setTimeout}};"
    )
    assert codec(scripts, folder, source).decode(1, b"\0", 1_000) == {
        "now": 1_000,
        "made": 1_000,
        "sent": "1970-01-01T00:00:01.000Z",
        "given": "1970-01-02T00:00:00.000Z",
        "hour": 0,
        "is": True,
        "text": "string",
        "back": 1_000,
        "random": True,
        "timer": "undefined",
        "wait": "undefined",
    }


def test_nothing_of_the_machine_is_within_reach(scripts: Scripts, folder: Path) -> None:
    names = "process require std os fetch XMLHttpRequest WebAssembly import_ Deno Bun load print gc"
    source = UPLINK % (
        f"return {{data: {{seen: '{names}'.split(' ').filter(function (n) {{"
        " return typeof globalThis[n] !== 'undefined'; })}};"
    )
    assert codec(scripts, folder, source).decode(1, b"\0") == {"seen": []}


def test_numbers_that_json_has_not_become_null_and_big_ones_numbers(
    scripts: Scripts, folder: Path
) -> None:
    source = UPLINK % "return {data: {nan: NaN, most: 1 / 0, big: 12345678901234567890n, ok: 1}};"
    found = codec(scripts, folder, source).decode(1, b"\0")
    assert found == {"nan": None, "most": None, "big": 12345678901234567890.0, "ok": 1}


# --- refusals ---------------------------------------------------------------------------------

REFUSED = {
    "errors": ("return {errors: ['unknown FPort']};", "unknown FPort"),
    "one error": ("return {errors: 'no'};", "no"),
    "many errors": ("return {errors: Array(9999).fill('e')};", "e; e; e"),
    "errors beside data": ("return {data: {a: 1}, errors: ['bad checksum']};", "bad checksum"),
    "a throw": ("throw new Error('boom');", "boom"),
    "a thrown text": ("throw 'boom';", "boom"),
    "a thrown object": ("throw {toString() { throw 1; }};", ""),
    "a name that is not there": ("return {data: foo.bar};", "foo is not defined"),
    "nothing": ("", "no object"),
    "null": ("return null;", "no object"),
    "a number": ("return 7;", "no object"),
    "a list": ("return [1];", "no object"),
    "an empty object": ("return {};", "no data"),
    "data null": ("return {data: null};", "no data"),
    "data a text": ("return {data: 'x'};", "no data"),
    "data a list": ("return {data: [1]};", "no data"),
    "a ring": ("var a = {}; a.a = a; return {data: a};", "circular"),
    "a getter that throws": ("return {data: {get a() { throw new Error('got'); }}};", "got"),
    "a huge result": ("return {data: {a: 'x'.repeat(200000)}};", "characters"),
    "a deep result": (
        "var a = {}; for (var i = 0; i < 40; i++) a = {a}; return {data: a};",
        "deep",
    ),
    "a bottomless result": (
        "var t = '['.repeat(30000) + ']'.repeat(30000); return {data: {toJSON() { return JSON.rawJSON ? JSON.rawJSON(1) : null; }, t}};",
        "",
    ),
    "toJSON that is no object": ("return {data: {toJSON() { return undefined; }}};", ""),
    "a promise": ("return Promise.resolve({data: {a: 1}});", "no data"),
}


@pytest.mark.parametrize(("body", "reason"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_decoded_object_is_refused_with_the_reason(
    scripts: Scripts, folder: Path, body: str, reason: str
) -> None:
    found = codec(scripts, folder, UPLINK % body)
    with pytest.raises(ValueError, match=r"^codec Sensor-1\.js: ") as caught:
        found.decode(1, b"\0")
    text = str(caught.value)
    assert reason in text
    assert text.isprintable()
    assert len(text) < 300


BROKEN = {
    "a syntax error": ("function decodeUplink(input) {", "SyntaxError"),
    "no function of the three": ("var a = 1;", "none of decodeUplink, Decode and Decoder"),
    "a throw while it loads": ("throw new Error('early');", "early"),
    "an ES module": ("export function decodeUplink(i) { return {data: {}}; }", "SyntaxError"),
    "an empty file": ("", "none of"),
    "bytes that are no text": ("\0\0\0", ""),
    "too large a file": ("//" + "x" * script.SOURCE, "at most"),
}


@pytest.mark.parametrize(("source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_codec_says_so(
    scripts: Scripts, folder: Path, source: str, reason: str
) -> None:
    found = codec(scripts, folder, source)
    for _ in range(2):
        with pytest.raises(ValueError, match=r"codec Sensor-1\.js: ") as caught:
            found.decode(1, b"\0")
        assert reason in str(caught.value)


# --- limits -----------------------------------------------------------------------------------

HOSTILE = {
    "an endless loop": "for (;;) {}",
    "an endless loop that catches": "for (;;) { try { for (;;) {} } catch (e) {} }",
    "a finally that goes on": "function f() { try { for (;;) {} } finally { return f(); } } f();",
    "a pattern that never ends": "/(a+)+$/.test('a'.repeat(40) + 'b'); for (;;) /(a+)+$/.test('a'.repeat(40) + 'b');",
    "an array's join": "var a = []; a.length = 1e9; a.join(',');",
    "a concat of everything": "[].concat.call([], {length: 2 ** 53 - 1, [Symbol.isConcatSpreadable]: true});",
    "a search in a long text": "var a = 'a'.repeat(4e6); for (;;) a.indexOf('a'.repeat(17) + 'b');",
    "a number of many digits": "for (;;) (7n ** 300000n).toString();",
    "a sort of everything": "new Uint32Array(3e6).map((x, i) => i * 7919 % 104729).sort((a, b) => a - b); for (;;) {}",
    "a result that computes": "return {data: {toJSON() { for (;;) {} }}};",
    "a property that computes": "return {get data() { for (;;) {} }};",
    "memory": "var a = []; for (;;) a.push(new Array(10000).fill(7));",
    "one large memory": "new Uint8Array(1 << 30);",
    "a long text": "'x'.repeat(1 << 29);",
    "many names": "var o = {}; for (var i = 0; ; i++) o['k' + i] = i;",
    "a deep proxy": "var p = {}; for (var i = 0; i < 1e5; i++) p = new Proxy(p, {}); p.x;",
    "recursion": "function f() { return f() + 1; } f();",
    "a deep text": "JSON.parse('['.repeat(1e6));",
    "a deep program": "eval('('.repeat(1e6));",
    "recursion in JSON": "var o = {}; for (var i = 0; i < 1e5; i++) o = {o}; return {data: o};",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_codec_is_stopped_and_the_next_one_runs(
    scripts: Scripts, folder: Path, body: str
) -> None:
    good = codec(scripts, folder, UPLINK % "return {data: {ok: true}};", "good.js")
    assert good.decode(1, b"\0") == {"ok": True}
    bad = codec(scripts, folder, UPLINK % body, "bad.js")
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"codec bad\.js: "):
        bad.decode(1, b"\0")
    assert time.monotonic() - began < PATIENCE
    assert good.decode(1, b"\0") == {"ok": True}


def test_a_hostile_file_is_stopped_while_it_loads(scripts: Scripts, folder: Path) -> None:
    bad = codec(scripts, folder, "for (;;) {}")
    began = time.monotonic()
    with pytest.raises(ValueError, match="longer than a codec may"):
        bad.decode(1, b"\0")
    assert time.monotonic() - began < PATIENCE + 1


def test_a_codec_that_needs_too_much_rests_until_its_file_changes(
    scripts: Scripts, folder: Path
) -> None:
    bad = codec(scripts, folder, UPLINK % "for (;;) {}")
    for _ in range(STRIKES):
        with pytest.raises(ValueError, match="longer"):
            bad.decode(1, b"\0")
    with pytest.raises(ValueError, match="rests"):
        bad.decode(1, b"\0")
    path = folder / "Sensor-1.js"
    path.write_text(UPLINK % "return {data: {well: 1}};")
    touched(path)
    assert bad.decode(1, b"\0") == {"well": 1}


def test_a_codec_that_needs_too_much_now_and_then_does_not_rest(
    scripts: Scripts, folder: Path
) -> None:
    some = codec(scripts, folder, UPLINK % "if (input.bytes[0]) for (;;) {} return {data: {a: 1}};")
    for _ in range(STRIKES):
        with pytest.raises(ValueError, match="longer"):
            some.decode(1, b"\1")
        assert some.decode(1, b"\0") == {"a": 1}


TRICKS = {
    "its own toJSON": "Object.prototype.toJSON = function () { return 7; };",
    "its own JSON": "JSON.stringify = function () { return '[{\"forged\":1}]'; }; JSON.parse = function () { return [9, [9]]; };",
    "its own Array": "Array.isArray = function () { return false; }; Array.prototype.push = null;",
    "its own Reflect": "Reflect.get = Reflect.construct = Reflect.ownKeys = null; Object.keys = null;",
    "its own text": "String = null; String.prototype && (String.prototype.slice = null); Number = null;",
    "its own Date": "Date = null;",
    "a setter for every name": "Object.defineProperty(Object.prototype, 'data', {set() { throw 1; }, get() { return {forged: 1}; }});",
    "a frozen world": "Object.freeze(Object.prototype); Object.freeze(globalThis);",
    "no world": "for (var n of Object.getOwnPropertyNames(globalThis)) { try { delete globalThis[n]; } catch (e) {} }",
}


@pytest.mark.parametrize("trick", TRICKS.values(), ids=TRICKS)
def test_a_codec_that_bends_its_world_bends_no_other(
    scripts: Scripts, folder: Path, trick: str
) -> None:
    good = codec(scripts, folder, UPLINK % "return {data: {n: input.bytes.length}};", "good.js")
    bad = codec(
        scripts,
        folder,
        "try { "
        + trick
        + " } catch (e) {}\nvar decodeUplink = function (i) { return {data: {a: 1}}; };",
        "bad.js",
    )
    found: Any = None
    with contextlib.suppress(ValueError):
        found = bad.decode(1, b"\0\0")
    assert found is None or isinstance(found, dict)
    assert good.decode(1, b"\0\0") == {"n": 2}


# --- files ------------------------------------------------------------------------------------


def test_names_are_found_without_case_and_punctuation(scripts: Scripts, folder: Path) -> None:
    made = codec(scripts, folder, FORMS["decodeUplink"], "EM300-TH.js")
    for name in ("em300-th", "EM300 TH", "em300_th.js", " Em300.Th "):
        assert scripts.find([name]) is made, name
    for name in ("em300", "em300th2", "", "-", "milesight em300-th"):
        assert scripts.find([name]) is None, name


def test_the_first_name_that_has_a_codec_wins(scripts: Scripts, folder: Path) -> None:
    one = codec(scripts, folder, FORMS["decodeUplink"], "24e124136b502217.js")
    two = codec(scripts, folder, FORMS["decodeUplink"], "em300.js")
    assert scripts.find(["24E124136B502217", "em300"]) is one
    assert scripts.find(["unknown", "em300", "24e124136b502217"]) is two


def test_two_files_of_the_same_name_are_refused_by_both_names(
    scripts: Scripts, folder: Path
) -> None:
    (folder / "EM300-TH.js").write_text(FORMS["decodeUplink"])
    found = codec(scripts, folder, FORMS["decodeUplink"], "em300_th.js")
    with pytest.raises(ValueError, match=r"EM300-TH\.js and em300_th\.js"):
        found.decode(1, b"\0")


def test_a_changed_file_is_read_again_and_a_kept_one_stays(scripts: Scripts, folder: Path) -> None:
    kept = codec(scripts, folder, UPLINK % "return {data: {v: 0}};", "kept.js")
    made = codec(scripts, folder, UPLINK % "return {data: {v: 1}};", "made.js")
    assert made.decode(1, b"\0") == {"v": 1}
    (folder / "made.js").write_text(UPLINK % "return {data: {v: 22}};")
    touched(folder / "made.js")
    assert made.decode(1, b"\0") == {"v": 22}
    assert scripts.find(["kept"]) is kept
    (folder / "made.js").unlink()
    touched(folder)
    assert scripts.find(["made"]) is None
    with pytest.raises(ValueError, match="can not be read"):
        made.decode(1, b"\0")


def test_other_files_and_a_missing_folder_are_no_codecs(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / ".js").write_text("x")
    assert Scripts(tmp_path).find(["README", "README.md", ".js", "js"]) is None
    assert Scripts(tmp_path / "none").find(["a"]) is None


def test_more_codecs_than_are_kept_compiled_all_work(scripts: Scripts, folder: Path) -> None:
    count = 40
    for number in range(count):
        (folder / f"codec{number}.js").write_text(UPLINK % f"return {{data: {{n: {number}}}}};")
    for _ in range(2):
        for number in range(count):
            found = scripts.find([f"codec{number}"])
            assert found is not None
            assert found.decode(1, b"\0") == {"n": number}


def test_too_long_a_payload_is_refused(scripts: Scripts, folder: Path) -> None:
    with pytest.raises(ValueError, match="at most"):
        codec(scripts, folder, FORMS["decodeUplink"]).decode(1, bytes(script.LONGEST + 1))


# --- the process ------------------------------------------------------------------------------


def test_no_process_is_started_before_the_first_payload(folder: Path) -> None:
    before = set(children())
    (folder / "a.js").write_text(FORMS["decodeUplink"])
    made = Scripts(folder)
    assert made.find(["a"]) is not None
    assert set(children()) == before


def test_the_process_ends_with_the_scripts_that_nobody_needs_any_more(folder: Path) -> None:
    before, descriptors = set(children()), len(os.listdir("/proc/self/fd"))
    made = Scripts(folder)
    assert codec(made, folder, FORMS["decodeUplink"]).decode(1, b"\0") == {"n": 1, "port": 1}
    assert len(set(children()) - before) == 1
    del made
    gc.collect()
    assert set(children()) == before
    assert len(os.listdir("/proc/self/fd")) == descriptors


def test_a_process_that_somebody_killed_is_started_anew(scripts: Scripts, folder: Path) -> None:
    found = codec(scripts, folder, FORMS["decodeUplink"])
    before = set(children())
    assert found.decode(1, b"\0") == {"n": 1, "port": 1}
    (child,) = set(children()) - before
    os.kill(child, 9)
    with pytest.raises(ValueError, match="ended while it ran"):
        found.decode(1, b"\0")
    assert found.decode(1, b"\0") == {"n": 1, "port": 1}


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(port=st.integers(0, 255), data=st.binary(max_size=300))
def test_any_payload_comes_back_as_it_was(
    scripts: Scripts, folder: Path, port: int, data: bytes
) -> None:
    echo = scripts.find(["echo"]) or codec(
        scripts, folder, UPLINK % "return {data: {p: input.fPort, b: input.bytes}};", "echo.js"
    )
    assert echo.decode(port, data) == {"p": port, "b": list(data)}


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(source=st.text(max_size=200))
def test_any_file_that_is_no_codec_gives_a_reason(
    scripts: Scripts, folder: Path, source: str
) -> None:
    found = codec(scripts, folder, source, "any.js")
    touched(folder / "any.js")
    with pytest.raises(ValueError, match=r"codec any\.js: "):
        found.decode(1, b"\0")
