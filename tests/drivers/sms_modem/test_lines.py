"""The framing: the same lines however the bytes are cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.sms_modem.lines import MAX_LINE, PROMPT, Lines


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        (b"\r\nOK\r\n", ["OK"]),
        (b"AT\r\r\nOK\r\n", ["AT", "OK"]),
        (b"\r\n> ", [PROMPT]),
        (b"AT+CMGS=18\r\r\n> ", ["AT+CMGS=18", PROMPT]),
        (b"\r\n> \r\n+CMGS: 17\r\n\r\nOK\r\n", [PROMPT, "+CMGS: 17", "OK"]),
        (b'\r\n+CMTI: "SM",3\r\n> ', ['+CMTI: "SM",3', PROMPT]),
        (b"\xff\x00\xfe\r\nRDY\r\n", ["\ufffd\x00\ufffd", "RDY"]),
        (b"OK", []),
        (b"a > b\r\n", ["a > b"]),
    ],
)
def test_lines_and_prompts_of_a_modem(data: bytes, lines: list[str]) -> None:
    assert Lines().feed(data) == lines


@given(st.binary(max_size=300) | st.text("AT+>= \r\n0:", max_size=80).map(str.encode), st.data())
def test_lines_are_the_same_however_the_bytes_are_cut(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=5)))
    pieces = [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    cut = Lines()
    assert [line for piece in pieces for line in cut.feed(piece)] == Lines().feed(data)


def test_line_without_end_is_dropped_and_the_next_is_read() -> None:
    lines = Lines()
    assert lines.feed(b"x" * (MAX_LINE + 1) + b"> \r\nOK\r\n") == ["OK"]
    assert lines.feed(b"y" * MAX_LINE + b"\r") == ["y" * MAX_LINE]
