"""Any file gives settings or problems, never another exception."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import load, plugins
from gateway.config.load import read_document
from gateway.document import Problem, Problems

_WORDS = [
    *("site", "registry", "clock", "journal", "rules", "deadlines", "limits", "drivers", "sinks"),
    *("notifiers", "console", "log", "type", "name", "data", "packs", "dir", "host", "port"),
    *("mqtt", "camera", "serial_line", "replay", "influxdb", "webhook", "log", "fire"),
    *("client_id", "1e999"),
    *("url", "source", "token", "topics", "dialects", "json", "zigbee2mqtt", "places", "path"),
    *(
        "group",
        "200ms",
        "30d",
        "keep",
        "max_size",
        "2GB",
        "http://a:b@c",
        "true",
        "0",
        "-1",
        "1e999",
    ),
]
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(_WORDS),
    st.text(max_size=20),
)
_TREES = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(_WORDS), inner, max_size=4)
    ),
    max_leaves=20,
)
_MARKS = [*":-{}[],&*!|>%@`'#?~", "<<", "\\x", "\\U"]
_FRAGMENTS = st.lists(st.sampled_from([*_WORDS, *_MARKS, "\n", "\t", '"']), max_size=40).map(
    " ".join
)
_FUZZ = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _loads_or_complains(tmp_path: Path, raw: bytes) -> None:
    file = tmp_path / "fuzz.yaml"
    file.write_bytes(raw)
    for problem in _problems(file):
        assert problem.line >= 1
        assert problem.column >= 1
        assert "\n" not in problem.message
        assert len(problem.message) <= 400


def _problems(file: Path) -> list[Problem]:
    try:
        load(file)
    except Problems as error:
        return error.problems or pytest.fail("problems without a problem")
    return []


@_FUZZ
@given(st.binary(max_size=200))
def test_any_bytes_give_problems_or_settings(tmp_path: Path, raw: bytes) -> None:
    _loads_or_complains(tmp_path, raw)


@_FUZZ
@given(_FRAGMENTS)
def test_any_yaml_fragments_give_problems_or_settings(tmp_path: Path, text: str) -> None:
    _loads_or_complains(tmp_path, text.encode("utf-8", "surrogatepass"))


@_FUZZ
@given(st.dictionaries(st.sampled_from(_WORDS), _TREES, max_size=6))
def test_any_tree_gives_problems_or_settings(tmp_path: Path, tree: dict[str, object]) -> None:
    tree["rules"] = tree.get("rules", {"packs": []})
    _loads_or_complains(tmp_path, json.dumps(tree).encode())


def _written_names(section: str, kind: str) -> list[str]:
    fields = plugins.options_class(section, kind).model_fields
    return sorted(field.alias or name for name, field in fields.items())


_PLUGINS = [(section, kind) for section in plugins.PACKAGES for kind in plugins.types(section)]


_AWKWARD: list[object] = [
    None,
    True,
    [],
    {},
    [[]],
    [{}],
    {"": []},
    {"a": {}},
    "",
    "\0",
    "x" * 5000,
    -1,
    1e999,
]


@pytest.mark.parametrize(("section", "kind"), _PLUGINS)
def test_awkward_values_in_any_option_give_problems_or_settings(
    tmp_path: Path, section: str, kind: str
) -> None:
    for name in _written_names(section, kind):
        entries = {f"e{index}": {"type": kind, name: value} for index, value in enumerate(_AWKWARD)}
        tree = {"site": {"name": "a"}, "rules": {"packs": []}, section: entries}
        _loads_or_complains(tmp_path, json.dumps(tree).encode())


@pytest.mark.parametrize(
    "text",
    [
        'a: "\\UFFFFFFFF"',  # no character of Unicode
        'a: "\\ud800"',  # half a character
        'site: {name: a, data: "\\0"}',
        'rules: {dir: "\\0"}',
        'registry: {places: "\\0", devices: "\\ud800", people: x}',
        "%YAML 1" + "1" * 5000 + ".1\n---\na: 1",
        "[" * 5000,
        "{a: " * 200,
        "a: &a [*a]",
        "a: !!python/object:os.system {}",
        "? [1, 2]\n: 3",
        "- 1\n- 2",
        "just text",
        "site: {name: a}\n---\nsite: {name: b}",
        "drivers: []",
        "drivers: {m: []}",
        "drivers: {m: {type: [mqtt]}}",
        "drivers: {m: {type: {a: b}}}",
        "drivers: {'': {type: mqtt}}",
        "drivers: {m: {type: ../..}}",
        "drivers: {m: {type: _values}}",
        "rules: {packs: {}}",
        "rules: {packs: [../../etc]}",
        "rules: [1]",
        "journal: {max_size: " + "9" * 300_000 + "GB}",
        "journal: {keep: " + "9" * 300_000 + "d}",
        "journal: {keep: " + "9" * 12 + "d}",
    ],
)
def test_a_hostile_file_gives_problems(tmp_path: Path, text: str) -> None:
    file = tmp_path / "hostile.yaml"
    file.write_text(text, encoding="utf-8", errors="surrogatepass")
    with pytest.raises(Problems):
        load(file)


def test_a_large_file_is_refused_without_being_read_whole(tmp_path: Path) -> None:
    file = tmp_path / "large.yaml"
    file.write_bytes(b"#" * 3_000_000)
    with pytest.raises(Problems, match="larger than"):
        read_document(file)
