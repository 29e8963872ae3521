"""SOAP 1.2 as ONVIF cameras speak it: envelopes with WS-Security, replies read without trust. Pure.

A reply comes from a device that anybody on the network may pretend to be. It is read by expat
alone: no document type (so no entity, no bomb, no file), bounded in bytes, depth and elements.
Prefixes are taken off without being looked up: cameras that forget to declare one are understood.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final, NamedTuple
from xml.parsers import expat
from xml.sax.saxutils import escape

from gateway.model import SECOND

MOST_BYTES: Final = 1_000_000
"""Of a reply: a hundred notifications are 150 kB."""
_MOST_ELEMENTS: Final = 20_000
_DEEPEST: Final = 64

_ENVELOPE: Final = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
_SECURITY: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity"
_TOKENS: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
)
_MESSAGES: Final = (
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
)
_DURATION: Final = re.compile(
    r"P(?:([0-9]{1,4})D)?(?:T(?:([0-9]{1,6})H)?(?:([0-9]{1,6})M)?(?:([0-9]{1,9})(?:\.[0-9]*)?S)?)?"
)


class Element:
    """One element: its name without prefix, attributes, children, and its own text."""

    __slots__ = ("attributes", "children", "name", "text")

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name = name
        self.attributes = attributes
        self.children: list[Element] = []
        self.text = ""

    def walk(self) -> Iterator[Element]:
        """This element and everything below it, in the order of the document."""
        waiting = [self]
        while waiting:
            element = waiting.pop()
            yield element
            waiting.extend(reversed(element.children))

    def find(self, name: str) -> Element | None:
        """The first element below called ``name``, or None."""
        return next((each for each in self.walk() if each.name == name), None)

    def text_of(self, name: str) -> str:
        """The text of the first element below called ``name``; "" where there is none."""
        found = self.find(name)
        return found.text.strip() if found is not None else ""


class Fault(NamedTuple):
    """A camera's refusal. ``code`` is its innermost code without prefix."""

    code: str
    reason: str

    @property
    def is_about_the_password(self) -> bool:
        """Whether another user name or password would help."""
        words = (self.code + " " + self.reason).lower()
        return "notauthorized" in words or "failedauthentication" in words


def parse(body: bytes) -> Element:
    """The document's root. ValueError says in a few words why it is none."""
    if len(body) > MOST_BYTES:
        raise ValueError(f"{len(body):,} bytes; {MOST_BYTES:,} are the limit")
    reading = _Reading()
    try:
        reading.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(f"no XML: {expat.ErrorString(error.code)}") from None
    except (LookupError, UnicodeError):
        raise ValueError("no XML: an encoding that nobody knows") from None
    if reading.root is None:
        raise ValueError("no XML: nothing in it")
    return reading.root


class _Reading:
    """Builds the elements while expat reads."""

    def __init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0

    def _doctype(self, *_: object) -> None:
        raise ValueError("a document type, which SOAP forbids")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > _MOST_ELEMENTS or len(self._open) >= _DEEPEST:
            raise ValueError(f"more than {_MOST_ELEMENTS:,} elements, or {_DEEPEST} in each other")
        element = Element(
            name.rpartition(":")[2],
            {key.rpartition(":")[2]: value for key, value in attributes.items()},
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, _name: str) -> None:
        self._open.pop()

    def _text(self, text: str) -> None:
        self._open[-1].text += text


def fault(root: Element) -> Fault | None:
    """The refusal that a reply holds, if it holds one (SOAP 1.2, and 1.1 of old firmware)."""
    found = root.find("Fault")
    if found is None:
        return None
    codes = [each.text.strip() for each in found.walk() if each.name in ("Value", "faultcode")]
    reason = found.text_of("Text") or found.text_of("faultstring") or found.text_of("Reason")
    code = codes[-1].rpartition(":")[2] if codes else "Fault"
    return Fault(code[:80], " ".join(reason.split())[:200])


class Login(NamedTuple):
    """What WS-Security needs for one request: ``created`` in the camera's own time, wall ns."""

    user: str
    password: str
    nonce: bytes
    created: int


def envelope(action: str, content: str, to: str = "", login: Login | None = None) -> bytes:
    """One request. ``content`` is the body's XML with its namespaces declared."""
    header = f'<a:Action s:mustUnderstand="1">{escape(action)}</a:Action>'
    if to:
        header += f'<a:To s:mustUnderstand="1">{escape(to)}</a:To>'
    if login is not None and login.user:
        header += _security(login)
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<s:Envelope xmlns:s="{_ENVELOPE}" xmlns:a="{_ADDRESSING}">'
        f"<s:Header>{header}</s:Header><s:Body>{content}</s:Body></s:Envelope>"
    ).encode()


def _security(login: Login) -> str:
    """A UsernameToken with Base64(SHA-1(nonce + created + password)): WSS profile 1.0, 3.1."""
    created = iso(login.created)
    digest = hashlib.sha1(  # noqa: S324  # the profile demands SHA-1
        login.nonce + created.encode() + login.password.encode()
    ).digest()
    return (
        f'<w:Security s:mustUnderstand="1" xmlns:w="{_SECURITY}-secext-1.0.xsd" '
        f'xmlns:u="{_SECURITY}-utility-1.0.xsd"><w:UsernameToken>'
        f"<w:Username>{escape(login.user)}</w:Username>"
        f'<w:Password Type="{_TOKENS}#PasswordDigest">{_base64(digest)}</w:Password>'
        f'<w:Nonce EncodingType="{_MESSAGES}#Base64Binary">{_base64(login.nonce)}</w:Nonce>'
        f"<u:Created>{created}</u:Created></w:UsernameToken></w:Security>"
    )


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")


def iso(wall: int) -> str:
    """Wall ns as cameras want it: UTC, to the second, with a Z."""
    return datetime.fromtimestamp(wall // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def seconds(duration: str) -> float | None:
    """An xs:duration of days and less in seconds (PT60S, PT1M, P1D); None for anything else."""
    found = _DURATION.fullmatch(duration.strip())
    if found is None or not any(found.groups()):
        return None
    days, hours, minutes, rest = (int(part or 0) for part in found.groups())
    return float(days * 86_400 + hours * 3_600 + minutes * 60 + rest)
