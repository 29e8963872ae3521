"""E-mail through a real SMTP server: what is sent, what is refused, and what breaks."""

from __future__ import annotations

import asyncio
import email
import email.policy
import ssl
import warnings
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.model import Quota
from gateway.notifiers.email.letter import is_address, letter, message_id
from gateway.notifiers.email.notifier import Notifier
from gateway.notifiers.email.options import Options
from gateway.ports import Refused, Unavailable
from tests.certificates import Certificate, self_signed
from tests.notifiers.test_webhook import NOTIFICATION
from tests.servers import free_port
from tests.virtual import START, VirtualClock

ANY = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""On a machine that is busy with other tests an example may take its time."""

LI = msgspec.structs.replace(
    NOTIFICATION, email="li.ming@example.org", link="https://s1.example.org/c/F20260105-0001?t=1"
)


class Post:
    """A mail server. ``answers`` is what it says to a command instead of taking it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.taken: list[Envelope] = []
        self.heard: list[str] = []
        self.answers: dict[str, str] = {}
        self.closes_at = ""
        self.hangs_at = ""
        self.tls: ssl.SSLContext | None = None
        self.logins: list[LoginPassword] = []

    async def _at(self, command: str, server: SMTP) -> str:
        self.heard.append(command)
        if self.closes_at == command:
            assert server.transport is not None
            server.transport.close()
        if self.hangs_at == command:
            await asyncio.get_running_loop().create_future()
        return self.answers.get(command, "")

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, name: str, lines: list[str]
    ) -> list[str]:
        session.host_name = name  # type: ignore[assignment]
        said = await self._at("EHLO", server)
        return [said] if said else lines

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        envelope.mail_from = sender
        return await self._at("MAIL", server) or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(to)
        return (await self._at("RCPT", server)).replace("ADDRESS", to) or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if said := await self._at("DATA", server):
            return said
        self.taken.append(envelope)
        return "250 queued as 4F1"

    async def handle_NOOP(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, argument: str
    ) -> str:
        return await self._at("NOOP", server) or "250 OK"

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        return await self._at("QUIT", server) or "221 Bye"

    def login(self, server: SMTP, session: Session, envelope: Envelope, how: str, who: Any) -> Any:
        self.logins.append(who)
        if said := self.answers.get("AUTH"):
            return AuthResult(success=False, handled=False, message=said)
        return AuthResult(success=who.password == b"s3cret", handled=False)

    def message(self) -> EmailMessage:
        [envelope] = self.taken
        assert isinstance(envelope.content, bytes)
        return email.message_from_bytes(envelope.content, policy=email.policy.default)  # type: ignore[arg-type, return-value]


@asynccontextmanager
async def served(
    post: Post, certificate: Certificate | None = None, *, from_the_start: bool = False
) -> AsyncIterator[Post]:
    """``post`` on its port; with a certificate it wants STARTTLS and a login."""
    context = certificate.server() if certificate else None
    offers = None if from_the_start else context

    def protocol() -> SMTP:
        warnings.simplefilter("ignore")  # TLS from the start looks to it like none
        return SMTP(
            post,
            hostname="mail.example.org",
            tls_context=offers,
            require_starttls=offers is not None,
            auth_required=context is not None,
            auth_require_tls=offers is not None,
            authenticator=post.login,
            loop=asyncio.get_running_loop(),
        )

    loop = asyncio.get_running_loop()
    tls = context if from_the_start else None
    with warnings.catch_warnings():
        async with await loop.create_server(protocol, "127.0.0.1", post.port, ssl=tls):
            yield post


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    async with served(Post()) as made:
        yield made


def mail(port: int, *, clock: VirtualClock | None = None, **options: Any) -> Notifier:
    plain = {"host": "127.0.0.1", "port": port, "tls": "none", "sender": "alarm@s1.example.org"}
    return Notifier("mail", Options.model_validate(plain | options), clock or VirtualClock())


# --- what is sent -------------------------------------------------------------------------


async def test_a_person_gets_the_title_as_subject_and_the_text_twice(post: Post) -> None:
    receipt = await mail(post.port, sender_name="云河社区").tell(LI)
    assert receipt.detail == f"127.0.0.1:{post.port} took it: queued as 4F1"
    assert post.taken[0].rcpt_tos == ["li.ming@example.org"]
    message = post.message()
    assert message["Subject"] == "烟雾报警"
    assert message["From"] == "云河社区 <alarm@s1.example.org>"
    assert message["To"] == "李明 <li.ming@example.org>"
    text, page = message.iter_parts()
    assert text.get_content().splitlines() == ["3号楼 2单元 501 厨房", f"打开工单: {LI.link}"]
    assert page.get_content_type() == "text/html"
    assert "<p>3号楼 2单元 501 厨房</p>" in page.get_content()
    assert f'<a href="{LI.link}">打开工单</a>' in page.get_content()
    assert {part.get_content_charset() for part in (text, page)} == {"utf-8"}


async def test_headers_tell_programs_what_it_is(post: Post) -> None:
    await mail(post.port).tell(LI)
    message = post.message()
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["List-Id"] == "Gridwarden <gridwarden.s1.example.org>"
    assert message["Importance"] == "high"
    assert message["X-Gridwarden-Incident"] == LI.incident
    assert message["X-Gridwarden-Head"].strip() == LI.head
    assert message["Date"] == "Mon, 05 Jan 2026 08:00:00 -0000"
    assert message["References"] == message_id(LI.incident, "s1.example.org")


async def test_every_attempt_has_the_same_message_id(post: Post) -> None:
    clock = VirtualClock()
    notifier = mail(post.port, clock=clock)
    await notifier.tell(LI)
    clock.jump(3600)
    await notifier.tell(LI)
    await notifier.tell(msgspec.structs.replace(LI, key="i-1:2:officer"))
    first, again, other = [
        email.message_from_bytes(taken.content)["Message-ID"]  # type: ignore[arg-type]
        for taken in post.taken
    ]
    assert first == again != other


async def test_without_a_believable_clock_the_server_sets_the_date(post: Post) -> None:
    await mail(post.port, clock=VirtualClock(trusted=False)).tell(LI)
    assert post.message()["Date"] is None


async def test_the_account_of_this_channel_goes_before_the_address(post: Post) -> None:
    await mail(post.port).tell(msgspec.structs.replace(LI, account="duty@example.org"))
    assert post.taken[0].rcpt_tos == ["duty@example.org"]


@pytest.mark.parametrize(
    "address", ["", "nobody", "a@b\r\nRCPT TO:<c@d>", "李@example.org", "a b@c"]
)
async def test_a_person_without_an_address_is_for_the_next_channel(
    post: Post, address: str
) -> None:
    with pytest.raises(Refused, match="李明") as caught:
        await mail(post.port).tell(msgspec.structs.replace(LI, email=address))
    assert post.heard == []
    assert not address or address not in str(caught.value)


async def test_a_trial_logs_in_and_sends_nothing(post: Post) -> None:
    receipt = await mail(post.port).tell(msgspec.structs.replace(LI, silent=True))
    assert receipt.detail == f"127.0.0.1:{post.port} answers"
    assert post.heard == ["EHLO", "NOOP", "QUIT"]
    with pytest.raises(Refused, match="no e-mail address"):
        await mail(post.port).tell(msgspec.structs.replace(LI, silent=True, email=""))


async def test_many_at_once_are_all_sent_over_a_few_connections(post: Post) -> None:
    notifier = mail(post.port)
    await asyncio.gather(*[notifier.tell(LI) for _ in range(20)])
    assert len(post.taken) == 20


# --- TLS and login ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return self_signed(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def login(certificate: Certificate, tmp_path: Path) -> dict[str, Any]:
    (tmp_path / "password").write_text("s3cret\n")
    return {
        "username": "alarm",
        "password": {"file": str(tmp_path / "password")},
        "ca": str(certificate.certificate),
    }


@pytest.mark.parametrize("tls", ["starttls", "ssl"])
async def test_tls_and_login(certificate: Certificate, login: dict[str, Any], tls: str) -> None:
    async with served(Post(), certificate, from_the_start=tls == "ssl") as post:
        notifier = mail(post.port, tls=tls, **login)
        receipt = await notifier.tell(LI)
        assert "took it" in receipt.detail
        assert post.logins == [LoginPassword(b"alarm", b"s3cret")]
        assert await notifier.check() == f"127.0.0.1:{post.port} answers and lets us in"


@pytest.mark.parametrize("tls", ["starttls", "ssl"])
async def test_a_certificate_that_nobody_believes_is_not_talked_to(
    certificate: Certificate, login: dict[str, Any], tls: str
) -> None:
    del login["ca"]
    async with served(Post(), certificate, from_the_start=tls == "ssl") as post:
        with pytest.raises(Unavailable, match=r"self-signed certificate; look at tls: and ca:"):
            await mail(post.port, tls=tls, **login).tell(LI)
        assert post.logins == []


async def test_a_certificate_for_somebody_else_is_not_talked_to(
    login: dict[str, Any], tmp_path: Path
) -> None:
    other = self_signed(tmp_path, "other.example.org", "192.0.2.1")
    async with served(Post(), other) as post:
        with pytest.raises(Unavailable, match="IP address mismatch"):
            await mail(post.port, tls="starttls", **login | {"ca": str(other.certificate)}).tell(LI)


async def test_a_server_without_starttls_gets_no_password(
    post: Post, login: dict[str, Any]
) -> None:
    with pytest.raises(Refused, match=r"offers no STARTTLS; look at tls: and port:"):
        await mail(post.port, tls="starttls", **login).tell(LI)
    assert post.logins == []


async def test_a_wrong_password_is_refused_and_not_shown(
    certificate: Certificate, login: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "password").write_text("wr0ng")
    async with served(Post(), certificate) as post:
        with pytest.raises(Refused, match=r"does not let us in \(535\); look at user") as caught:
            await mail(post.port, tls="starttls", **login).tell(LI)
    assert "wr0ng" not in str(caught.value)


async def test_a_login_that_is_off_for_now_is_tried_again(
    certificate: Certificate, login: dict[str, Any]
) -> None:
    post = Post()
    post.answers["AUTH"] = "454 4.7.0 Temporary authentication failure"
    async with served(post, certificate):
        with pytest.raises(Unavailable, match=r"does not let us in \(454\)"):
            await mail(post.port, tls="starttls", **login).tell(LI)


async def test_a_missing_password_or_certificate_is_named(
    post: Post, login: dict[str, Any], tmp_path: Path
) -> None:
    gone = login | {"ca": str(tmp_path / "none.pem")}
    with pytest.raises(Unavailable, match=r"none\.pem: No such file"):
        await mail(post.port, tls="ssl", **gone).tell(LI)
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(Unavailable, match=r"empty\.pem: no certificate"):
        await mail(post.port, tls="ssl", **login | {"ca": str(tmp_path / "empty.pem")}).tell(LI)
    (tmp_path / "password").unlink()
    del login["ca"]
    with pytest.raises(Unavailable, match=r"secret file .*: No such file"):
        await mail(post.port, **login).tell(LI)


# --- refusals and faults ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "answer", "kind", "words"),
    [
        ("EHLO", "421 too busy", Unavailable, r"does not take the message \(421: too busy\)"),
        ("MAIL", "451 later", Unavailable, r"does not take our address \(451: later\)"),
        ("MAIL", "553 not yours", Refused, r"our address \(553: not yours\); look at sender:"),
        ("RCPT", "450 greylisted", Unavailable, r"this person's address \(450: greylisted\)"),
        ("RCPT", "550 no ADDRESS here", Refused, r"this person's address \(550: no … here\)"),
        ("DATA", "452 disk full", Unavailable, r"does not take the message \(452: disk full\)"),
        ("DATA", "554 it is spam", Refused, r"does not take the message \(554: it is spam\)"),
    ],
)
async def test_4xx_is_for_later_and_5xx_for_good(
    post: Post, command: str, answer: str, kind: type[Exception], words: str
) -> None:
    post.answers[command] = answer
    with pytest.raises(kind, match=words) as caught:
        await mail(post.port).tell(LI)
    assert LI.email not in str(caught.value)
    assert post.taken == []


@pytest.mark.parametrize("command", ["EHLO", "MAIL", "RCPT", "DATA", "NOOP"])
async def test_a_connection_that_closes_is_for_later(post: Post, command: str) -> None:
    post.closes_at = command
    silent = command == "NOOP"
    with pytest.raises(Unavailable, match="closed the connection"):
        await mail(post.port).tell(msgspec.structs.replace(LI, silent=silent))


@pytest.mark.parametrize("command", ["EHLO", "RCPT", "DATA"])
async def test_a_server_that_hangs_is_for_later(post: Post, command: str) -> None:
    post.hangs_at = command
    with pytest.raises(Unavailable, match=r"does not answer within 0\.2 s"):
        await mail(post.port, timeout="200ms").tell(LI)


@pytest.mark.parametrize("fault", ["hangs_at", "closes_at"])
async def test_a_bad_end_changes_nothing_about_what_was_taken(post: Post, fault: str) -> None:
    setattr(post, fault, "QUIT")
    receipt = await mail(post.port).tell(LI)
    assert receipt.detail.endswith("queued as 4F1")
    assert len(post.taken) == 1


async def test_nobody_on_the_port_is_for_later() -> None:
    port = free_port()
    with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
        await mail(port).tell(LI)


async def test_a_server_that_speaks_no_smtp_is_for_later() -> None:
    async def chatter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    port = free_port()
    async with await asyncio.start_server(chatter, "127.0.0.1", port):
        with pytest.raises(Unavailable, match=f"127.0.0.1:{port}"):
            await mail(port).tell(LI)


# --- what may stand in a message ----------------------------------------------------------

TEXTS = st.text(max_size=80) | st.sampled_from(
    ["a\r\nBcc: x@y.org", "\n\n<script>", "=?utf-8?b?x?=", "火" * 300, "a\u2028b", "\udcff", "\x00"]
)


@ANY
@given(TEXTS, TEXTS, TEXTS, TEXTS, TEXTS)
def test_no_text_breaks_out_of_its_header_or_page(
    title: str, text: str, name: str, key: str, link: str
) -> None:
    notification = msgspec.structs.replace(
        LI, title=title, text=text, name=name, key=key, incident=key, head=key, link=link
    )
    made = letter(notification, "li@example.org", "a@b.org", "站", START)
    raw = made.as_bytes()
    assert raw.isascii()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 998
    read = email.message_from_bytes(raw, policy=email.policy.default)
    assert set(read.keys()) == set(made.keys())
    assert read["To"].addresses[0].addr_spec == "li@example.org"  # type: ignore[union-attr]
    assert "Bcc" not in read
    page = read.get_body("html").get_content()  # type: ignore[union-attr]
    assert "<script" not in page
    assert page.count("<a ") <= 1


@ANY
@given(st.text(max_size=60) | st.from_regex(r"[a-z.@+-]{3,70}", fullmatch=True))
def test_what_counts_as_an_address_is_one_word_of_ascii(text: str) -> None:
    if is_address(text):
        assert text.isascii()
        assert text.isprintable()
        assert text.count("@") == 1
        assert not set(text) & set(' "<>(),:;[]\\')


@pytest.mark.parametrize(
    "text", ["a@b", "li.ming+duty@mail.example.org", "10086@139.com", "o'neill@x-y.cn"]
)
def test_usual_addresses_are_addresses(text: str) -> None:
    assert is_address(text)


# --- options ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"sender": "nobody"}, "no e-mail address"),
        ({"sender": "a@b\n"}, "no e-mail address"),
        ({"username": "u"}, "belong together"),
        ({"password": {"env": "X"}}, "belong together"),
        ({"password": "plain", "username": "u"}, "a secret is written"),
        ({"tls": "none"}, "unencrypted: true"),
        ({"tls": "none", "unencrypted": True, "ca": "x.pem"}, "ca has no use"),
        ({"host": "a\nb"}, "a text that can be shown"),
        ({"quotas": [{"most": 1, "per": "1h", "spare": 1}]}, "spare has to be less"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Options.model_validate({"host": "h.example.org", "sender": "a@b.org"} | given)


def test_ports_and_quotas() -> None:
    given = {"host": "h", "sender": "a@b.org", "quotas": [{"most": 50, "per": "1d", "spare": 9}]}
    for tls, port in (("starttls", 587), ("ssl", 465), ("none", 25)):
        more = {"tls": tls, "unencrypted": True}
        assert Options.model_validate(given | more).at == port
    notifier = Notifier("mail", Options.model_validate(given), VirtualClock())
    assert notifier.quotas == (Quota(50, 86_400.0, 9),)
