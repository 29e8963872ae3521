"""Every error of Grafana is one sentence in both languages, and the token is in none of them."""

from __future__ import annotations

import gzip
import importlib.metadata
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from aiohttp import web

from dashboards.grafana.client import MOST
from dashboards.grafana.push import End, Push, Told
from dashboards.grafana.server import Server
from dashboards.grafana.source import Source
from dashboards.grafana.trouble import Away, Declined, Trouble
from tests.certificates import self_signed
from tests.grafana.boards import BOARDS
from tests.grafana.server import TOKEN, Grafana, running, said
from tests.servers import free_port

ROOT: Final = Path(__file__).parents[2]
_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_SAVE = ("POST", "/api/dashboards/db")


def push(server: Server) -> list[Told]:
    server.version()
    return list(Push(server, Source("http://127.0.0.1:8086"), language="zh").run(BOARDS, "", False))


def is_one_sentence(error: Trouble) -> bool:
    texts = (error.text.zh, error.text.en)
    assert _CHINESE.search(error.text.zh)
    assert not _CHINESE.search(error.text.en.replace("社区安全", ""))
    return all(text and "\n" not in text and TOKEN not in text for text in texts)


def html(status: int) -> web.Response:
    return web.Response(status=status, text="<html>login</html>", content_type="text/html")


def redirect() -> web.Response:
    return web.Response(status=302, headers={"Location": "https://grafana.example/login"})


@pytest.mark.parametrize(
    ("method", "path", "fault", "words"),
    [
        ("GET", "/api/folders", lambda: said(401, "Invalid API key"), "does not accept the token"),
        ("GET", "/api/health", lambda: said(500, "boom"), r"fault \(HTTP 500: boom\)"),
        (*_SAVE, lambda: said(500, "database is locked"), "HTTP 500: database is locked"),
        (*_SAVE, lambda: said(502, "Bad\n Gateway"), "HTTP 502: Bad Gateway"),
        ("GET", "/api/health", lambda: html(200), "is no Grafana"),
        ("GET", "/api/dashboards", lambda: html(404), "is no Grafana"),
        ("GET", "/api/search", lambda: web.json_response({"not": "a list"}), "is no Grafana"),
        ("GET", "/api/health", redirect, "sends us elsewhere"),
        (*_SAVE, redirect, "sends us elsewhere"),
        ("GET", "/api/health", lambda: web.Response(body=b"{", content_type="application/json"),
            "is no Grafana"),
    ],
)  # fmt: skip
def test_what_ends_a_push_is_one_sentence(
    grafana: Grafana,
    server: Server,
    method: str,
    path: str,
    fault: Callable[[], web.Response],
    words: str,
) -> None:
    grafana.faults[method, path] = fault()
    with pytest.raises(Away, match=words) as caught:
        push(server)
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda: said(400, "folder not found"), r"did not save the dashboard \(HTTP 400: folder"),
        (lambda: said(403, "Access denied"), "may not save the dashboard"),
        (lambda: said(404, "Dashboard not found"), "HTTP 404: Dashboard not found"),
        (lambda: said(412, "x", "name-exists"), "another dashboard in that folder"),
        (lambda: said(412, "x", "version-mismatch"), "somebody has just changed it"),
        (lambda: said(412, "x", "plugin-dashboard"), "belongs to a plugin"),
        (lambda: said(412, "of tomorrow", "brand-new"), "HTTP 412: of tomorrow"),
        (lambda: said(413, "too large"), "HTTP 413: too large"),
        (lambda: html(422), "HTTP 422: <html>login"),
    ],
)
def test_what_one_board_is_declined_for_keeps_no_other_back(
    grafana: Grafana, server: Server, fault: Callable[[], web.Response], words: str
) -> None:
    grafana.faults[_SAVE] = fault()
    told = push(server)
    assert [each.end for each in told] == [End.created, End.created, End.declined, End.declined]
    for each in told[2:]:
        assert each.because is not None
        assert re.search(words, each.because.en)
        assert is_one_sentence(Declined(each.because))


def test_a_title_that_is_taken_is_said() -> None:
    with (
        running(Grafana(unique_titles=True)) as grafana,
        Server(grafana.url, TOKEN) as server,
    ):
        push(server)
        grafana.save_as("gw-wall", "mine", "x")
        grafana.boards["mine"].folder = "gridwarden-zh"
        grafana.boards["mine"].json["title"] = "指挥大屏"
        del grafana.boards["gw-wall"]
        wall = push(server)[2]
        assert wall.because is not None
        assert "has this title" in wall.because.en


def test_a_grafana_that_is_silent_is_left_in_time(grafana: Grafana) -> None:
    grafana.faults[_SAVE] = "silence"
    late = pytest.raises(Away, match=r"gave no answer within 0\.2 s")
    with Server(grafana.url, TOKEN, timeout=0.2) as server, late as caught:
        push(server)
    assert is_one_sentence(caught.value)


def test_a_grafana_that_is_not_there_is_one_sentence() -> None:
    nobody = pytest.raises(Away, match=r"no Grafana answers at http://127\.0\.0\.1:")
    with Server(f"http://127.0.0.1:{free_port()}", TOKEN) as server, nobody as caught:
        push(server)
    assert is_one_sentence(caught.value)


def test_a_wrong_token_is_told_and_never_shown(grafana: Grafana) -> None:
    with Server(grafana.url, "glsa_wrong") as server:
        with pytest.raises(Away, match="does not accept the token") as caught:
            push(server)
        assert "glsa_wrong" not in str(caught.value) + repr(server) + caught.value.text.zh


@pytest.mark.parametrize(
    ("role", "words"), [("Viewer", "may not create"), ("Editor", "role Admin")]
)
def test_a_role_that_may_not_is_told_what_it_needs(
    grafana: Grafana, server: Server, role: str, words: str
) -> None:
    grafana.role = role
    source = push(server)[0]
    assert source.end is End.declined
    assert source.because is not None
    assert words in source.because.en


@pytest.mark.parametrize(
    ("version", "database", "words"),
    [("11.5.2", "ok", "too old; 11\\.6 or newer"), ("11.6.0", "failing", "HTTP 503")],
)
def test_a_grafana_that_will_not_do_is_told_before_anything_is_sent(
    version: str, database: str, words: str
) -> None:
    with (
        running(Grafana(version=version, database=database)) as grafana,
        Server(grafana.url, TOKEN) as server,
    ):
        with pytest.raises(Away, match=words) as caught:
            push(server)
        assert is_one_sentence(caught.value)
        assert grafana.changed == []


def test_a_grafana_below_a_path_is_found() -> None:
    with running(Grafana(), "/grafana") as grafana, Server(grafana.url + "/", TOKEN) as server:
        assert {each.end for each in push(server)} == {End.created}


def test_a_grafana_behind_a_certificate_of_the_sites_own(tmp_path: Path) -> None:
    made = self_signed(tmp_path)
    with running(Grafana(), tls=made.server()) as grafana:
        with Server(grafana.url, TOKEN, ca=made.certificate) as server:
            assert {each.end for each in push(server)} == {End.created}
        stranger = pytest.raises(Away, match=r"no Grafana answers .*certificate")
        with Server(grafana.url, TOKEN) as server, stranger as caught:
            push(server)
    assert is_one_sentence(caught.value)


def test_whether_grafana_reaches_the_database_is_told(grafana: Grafana, server: Server) -> None:
    push(server)
    assert server.source_trouble("gridwarden-influxdb") is None
    grafana.influx = "unauthorized\naccess"
    trouble = server.source_trouble("gridwarden-influxdb")
    assert trouble is not None
    assert "unauthorized access" in trouble.en


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("ftp://x", TOKEN, "begins with http"),
        ("http://admin:admin@x:3000", TOKEN, "no user or password"),
        ("http://x", "", "no token"),
        ("http://x", "two words", "no token"),
        ("http://x", "令牌", "no token"),
        ("http://x", "a\nb", "no token"),
    ],
)
def test_what_can_be_no_grafana_or_no_token_is_refused(url: str, token: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Server(url, token)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(("method", "path"), [("GET", "/api/health"), _SAVE])
def test_the_token_follows_no_redirect(
    grafana: Grafana, server: Server, status: int, method: str, path: str
) -> None:
    with running(Grafana()) as elsewhere:
        there = {"Location": elsewhere.url + path}
        grafana.faults[method, path] = web.Response(status=status, headers=there)
        with pytest.raises(Away, match="sends us elsewhere"):
            push(server)
        assert elsewhere.asked == []


@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_an_answer_without_end_is_left(tmp_path: Path, tls: bool) -> None:
    made = self_signed(tmp_path)
    with running(Grafana(), tls=made.server() if tls else None) as grafana:
        grafana.faults["GET", "/api/health"] = "endless"
        too_much = pytest.raises(Away, match="sends more than 16 MB")
        with Server(grafana.url, TOKEN, ca=made.certificate) as server, too_much as caught:
            push(server)
        assert is_one_sentence(caught.value)


def test_an_answer_that_unpacks_to_more_than_a_grafana_sends_is_left(
    grafana: Grafana, server: Server
) -> None:
    packed = gzip.compress(b" " * (MOST + 1), 1)
    assert len(packed) < MOST / 100
    headers = {"Content-Encoding": "gzip"}
    grafana.faults["GET", "/api/health"] = web.Response(body=packed, headers=headers)
    with pytest.raises(Away, match="sends more than 16 MB"):
        push(server)


def test_an_answer_that_breaks_off_is_one_sentence(grafana: Grafana, server: Server) -> None:
    grafana.faults["GET", "/api/health"] = "broken"
    with pytest.raises(Away, match="no Grafana answers") as caught:
        push(server)
    assert is_one_sentence(caught.value)


@pytest.mark.parametrize("body", [b"[" * 100_000, b'{"version": "\xff"}', b"\xff\xfe", b""])
def test_what_is_no_json_is_no_grafana(grafana: Grafana, server: Server, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    grafana.faults["GET", "/api/health"] = web.Response(body=body, headers=headers)
    with pytest.raises(Away, match="is no Grafana"):
        push(server)


@pytest.mark.parametrize("url", ["http://a..b/?key=hush", f"http://{'a' * 70}.example/?key=hush"])
def test_a_host_that_can_not_be_is_one_sentence_without_the_rest_of_the_url(url: str) -> None:
    with Server(url, TOKEN) as server, pytest.raises(Away, match="no such host name") as caught:
        push(server)
    assert is_one_sentence(caught.value)
    assert "hush" not in caught.value.text.zh + caught.value.text.en


def test_a_proxy_of_the_environment_is_not_asked(
    grafana: Grafana, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("no_proxy", raising=False)
    assert {each.end for each in push(server)} == {End.created}


def test_a_connection_that_is_gone_is_one_sentence_without_the_path() -> None:
    """Grafana ends between two calls: the second finds the connection closed."""
    ends = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer_once() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                ends.wait(10)

        thread = threading.Thread(target=answer_once)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/hush"
        with Server(url, TOKEN) as server:
            server.save({"uid": "gw-wall"}, "", "x")
            ends.set()
            thread.join()
            listening.close()
            with pytest.raises(Away, match="no Grafana answers") as caught:
                server.save({"uid": "gw-wall"}, "", "x")
    assert is_one_sentence(caught.value)
    assert "hush" not in caught.value.text.zh + caught.value.text.en


def test_an_authority_without_a_certificate_is_one_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ca.pem"
    file.write_text("hush", encoding="utf-8")
    for ca in (file, tmp_path / "nowhere"):
        nothing = pytest.raises(Away, match=f"can be read from {ca} of --ca")
        with nothing as caught, Server("https://127.0.0.1:1", TOKEN, ca=ca):
            pass
        assert is_one_sentence(caught.value)


def test_a_data_source_may_be_called_anything(grafana: Grafana, server: Server) -> None:
    grafana.sources["of/the town?"] = {"uid": "of/the town?"}
    assert server.source("of/the town?") == {"uid": "of/the town?"}


def test_pushing_brings_no_http_but_aiohttp_and_leaves_urllib3_its_own() -> None:
    """grafana-client stands on urllib3-future, which writes itself over the urllib3 that the sink
    for InfluxDB 2.x and the notifier ``apprise`` speak through."""
    others = {"grafana_client", "niquests", "requests", "urllib3", "urllib3_future"}
    code = f"""
import dashboards.grafana.server, sys
print({others!r} & set(sys.modules))
import urllib3
print(urllib3.__version__)"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT, capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.split() == ["set()", importlib.metadata.version("urllib3")]
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    names = {line.partition("==")[0].replace("-", "_") for line in pins.splitlines()}
    assert names & others == {"requests", "urllib3"}
