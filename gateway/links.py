"""The links of people: who may see which case, or walk which rounds, until when, signed.

    https://desk.example.cn/c/L20260105-0001.zhang.1tpqk0.N0mfcm2lLcCpr4V1cbZyYw
                              incident       person expiry signature
    https://desk.example.cn/p/zhang.1tpqk0.yVt2cTkzn0m8pQ3sYw1r7g
                              person expiry signature

The signature is HMAC-SHA256 over what the link is for and the other parts, cut to 128 bits: a link
to a case opens no rounds, nor the other way round. The links to a person's rounds are signed with
how often those were ended, too: to end them is to count one further. The expiry is in whole minutes
since 1970 in base 36. That of a case is ``0`` where it was made while nobody knew the time: such a
link is good as long as its case is open, for a clock that is set must not close the door on an
officer.

Pure but for the key file.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Final, NamedTuple

from gateway.model import SECOND

KEY_BYTES: Final = 32
LONGEST: Final = 512
"""Characters of a token; a longer one is not looked at."""
_PATH: Final = "/c/"
_PATROL_PATH: Final = "/p/"
_CASE: Final = b"gridwarden case link 1\n"
_PATROL: Final = b"gridwarden patrol link 1\n"
"""The same key must not be good for anything else."""
_SIGNATURE: Final = 16
_MOST_ENDED: Final = 50
"""Earlier ends whose links are known as ended; older ones are as good as forged."""
_MINUTE: Final = 60 * SECOND
_PLAIN: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CODED: Final = re.compile(r"~([A-Za-z0-9_-]{1,170})")
_EXPIRY: Final = re.compile(r"0|[1-9a-z][0-9a-z]{0,9}")
_NONE: Final = "this is no link of ours"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Wrong(Exception):
    """The text is no token of any gateway."""


class Changed(Wrong):
    """It has the form of a token, and not this gateway's signature: changed, or of another key."""


class Expired(Exception):
    """It was good until ``until`` (wall ns)."""

    def __init__(self, until: int) -> None:
        super().__init__("the link has expired")
        self.until = until


class Ended(Exception):
    """Somebody ended the links of this person's rounds after it was made."""


class Granted(NamedTuple):
    """What a good token says."""

    incident: str
    person: str
    until: int
    """Wall ns; 0: as long as the case is open."""


class Walker(NamedTuple):
    """What a good token of the rounds says."""

    person: str
    until: int
    """Wall ns."""


def link(base: str, key: bytes, incident: str, person: str, until: int) -> str:
    """The address of a case for one person, good until wall ns ``until`` (0: while it is open)."""
    return f"{base.rstrip('/')}{_PATH}{token(key, incident, person, until)}"


def token(key: bytes, incident: str, person: str, until: int) -> str:
    """The signed part of a link. Raises ValueError for names that no token can hold."""
    minutes = -(-until // _MINUTE)
    if not incident or not person:
        raise ValueError("a link is for one person and one incident")
    said = f"{_coded(incident)}.{_coded(person)}.{_base36(minutes)}"
    made = f"{said}.{_signature(key, _CASE, said)}"
    if len(made) > LONGEST:
        raise ValueError("the incident's or the person's name is too long for a link")
    return made


def patrol_link(base: str, key: bytes, person: str, until: int, ended: int = 0) -> str:
    """The address of the rounds of one person, good until wall ns ``until``.

    ``ended``: how often this person's links were ended so far.

    Raises ValueError for a name that no token can hold.
    """
    if not person or until <= 0:
        raise ValueError("a link is for one person, and it ends")
    said = f"{_coded(person)}.{_base36(-(-until // _MINUTE))}"
    made = f"{said}.{_signature(key, _rounds(ended), said)}"
    if len(made) > LONGEST:
        raise ValueError("the person's name is too long for a link")
    return f"{base.rstrip('/')}{_PATROL_PATH}{made}"


def verify(key: bytes, text: str, now: int) -> Granted:
    """What ``text`` grants at wall ns ``now``. Raises ``Wrong``, ``Changed`` or ``Expired``."""
    (incident, person), until = _checked(key, _CASE, 2, text)
    if until and now >= until:
        raise Expired(until)
    return Granted(incident, person, until)


def verify_patrol(
    key: bytes, text: str, now: int, ended: Mapping[str, int] = MappingProxyType({})
) -> Walker:
    """Whose rounds ``text`` opens at wall ns ``now``. Raises as ``verify`` does, or ``Ended``.

    ``ended``: person -> how often the links of theirs were ended; who is not in it, never.
    """
    (person,), _, _, _ = _parts(text, 1)
    times = ended.get(person, 0)
    earlier = range(times - 1, max(times - _MOST_ENDED, 0) - 1, -1)
    try:
        _, until = _checked(key, _rounds(times), 1, text)
    except Changed:
        for before in earlier:
            with suppress(Changed):
                _checked(key, _rounds(before), 1, text)
                raise Ended from None
        raise
    if now >= until:
        raise Expired(until)
    return Walker(person, until)


def _rounds(ended: int) -> bytes:
    """What a link to rounds is for, after so many ends."""
    return _PATROL if not ended else b"%bended %d\n" % (_PATROL, ended)


def _checked(key: bytes, purpose: bytes, names: int, text: str) -> tuple[list[str], int]:
    """The names in ``text`` and its end, wall ns."""
    found, expiry, said, signature = _parts(text, names)
    if not hmac.compare_digest(signature, _signature(key, purpose, said)):
        raise Changed("the link was changed, or was made by another gateway")
    return found, int(expiry, 36) * _MINUTE


def _parts(text: str, names: int) -> tuple[list[str], str, str, str]:
    """The names in ``text``, its end, what is signed, and the signature. Raises ``Wrong``."""
    parts = text.split(".") if len(text) <= LONGEST and text.isascii() else []
    if len(parts) != names + 2 or not _EXPIRY.fullmatch(parts[names]):
        raise Wrong(_NONE)
    found = [_decoded(part) for part in parts[:names]]
    return found, parts[names], ".".join(parts[:-1]), parts[-1]


def load_key(path: Path) -> bytes:
    """The key in ``path``, made at the first call with rights for its owner alone.

    OSError when the file can be neither read nor made; ValueError when it holds something else.
    """
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        return _made(path)
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path}: not {KEY_BYTES} bytes; remove it, and a new one is made")
    return key


def _made(path: Path) -> bytes:
    """Written whole under another name first: half a key would be found at the next start."""
    key = secrets.token_bytes(KEY_BYTES)
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, key)
        os.fsync(handle)
    finally:
        os.close(handle)
    half.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key


def _signature(key: bytes, purpose: bytes, said: str) -> str:
    made = hmac.new(key, purpose + said.encode(), hashlib.sha256).digest()[:_SIGNATURE]
    return base64.urlsafe_b64encode(made).rstrip(b"=").decode()


def _coded(name: str) -> str:
    """As it is where a URL takes it; else ``~`` and base64 of its UTF-8."""
    if _PLAIN.fullmatch(name):
        return name
    return "~" + base64.urlsafe_b64encode(name.encode()).rstrip(b"=").decode()


def _decoded(part: str) -> str:
    """The one name that is written as ``part``. Raises ``Wrong``."""
    if _PLAIN.fullmatch(part):
        return part
    coded = _CODED.fullmatch(part)
    if coded is None:
        raise Wrong(_NONE)
    try:
        raw = coded[1] + "=" * (-len(coded[1]) % 4)
        name = base64.urlsafe_b64decode(raw).decode()
    except ValueError:
        raise Wrong(_NONE) from None
    if _coded(name) != part:  # a second way to write it would be a second token
        raise Wrong(_NONE)
    return name


def _base36(number: int) -> str:
    digits = ""
    while number > 0:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
