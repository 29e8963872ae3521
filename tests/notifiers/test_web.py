"""Reading an answer without trusting it."""

from __future__ import annotations

import pytest

from gateway.web import check_url, one_line, origin, read_start, retry_after


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("17", 17.0),
        (" 0 ", 0.0),
        ("99999999", 3600.0),
        ("-1", None),
        ("soon", None),
        ("１７", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_retry_after_is_seconds_within_an_hour(text: str, seconds: float | None) -> None:
    assert retry_after({"Retry-After": text}) == seconds


def test_no_retry_after_is_none() -> None:
    assert retry_after({}) is None


async def test_only_the_start_of_a_stream_is_read() -> None:
    class Stream:
        left = 100

        async def read(self, n: int = -1) -> bytes:
            taken = min(n, 3, self.left)
            self.left -= taken
            return b"\xe7" * taken

    stream = Stream()
    assert await read_start(stream, 10) == "\ufffd" * 10
    assert stream.left == 90
    assert len(await read_start(stream, 1_000)) == 90


def test_a_text_becomes_one_short_line() -> None:
    assert one_line(" a\r\n b\x00\x1b[1m\tc ") == "a b [1m c"
    assert one_line("火" * 300) == "火" * 199 + "…"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example/s3cret?token=s3cret#s3cret", "https://h.example"),
        ("http://127.0.0.1:8086/x", "http://127.0.0.1:8086"),
        ("http://[::1]:8086/x", "http://[::1]:8086"),
    ],
)
def test_of_a_url_only_its_origin_is_shown(url: str, shown: str) -> None:
    assert check_url(url) == url
    assert origin(url) == shown


@pytest.mark.parametrize("url", ["", "s3cret", "http://", "http://h:99999/", "http://[s3cret/"])
def test_what_is_no_url_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        check_url(url)
    assert "s3cret" not in str(caught.value)
