"""An anchor: what the gateway signs about the chains that moved, linked to the anchor before. Pure.

anchor 56 ──▶ anchor 57  {n, previous: hash of 56, heads: [[L20260105-0001, 5, hash, 0], …]}
                         its very bytes are signed and hashed
"""

from __future__ import annotations

import hashlib
from typing import Final, NamedTuple

import msgspec

from gateway.model import Stamp
from gateway.record.key import Key, is_signed
from gateway.store.record import AnchorRow, Head, Present

DOMAIN: Final = b"gridwarden anchor 1\n"
"""Goes before the body when it is signed: a signature of something else is none of an anchor."""
_SIGNATURE: Final = 128


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """A statement about the record at one moment."""

    n: int
    """1, 2, 3 … without gaps."""
    previous: str
    """The hash of anchor ``n`` - 1; "" for the first."""
    wall: int
    """UTC ns as the gateway believed it."""
    arrival: int
    trusted: bool
    """Whether ``wall`` was known to be right."""
    key: str
    """The public key it is signed with, hex."""
    first: int
    """The oldest anchor that was kept then; older ones went by retention."""
    heads: tuple[Head, ...] = ()
    """Every incident that went on since the anchor before."""
    removed: dict[str, int] = {}
    """Key prefix -> the number up to which retention has removed every incident."""


class Signed(NamedTuple):
    """An anchor with the bytes that say so."""

    anchor: Anchor
    row: AnchorRow

    @property
    def line(self) -> str:
        """As ``anchors.log`` and the far end have it."""
        return f"{self.row.body}\t{self.row.signature}"


_decode: Final = msgspec.json.Decoder(Anchor).decode


def made(
    present: Present, newest: AnchorRow | None, key: Key, stamp: Stamp, arrival: int
) -> AnchorRow:
    """The next anchor after ``newest``, signed."""
    n = newest.n + 1 if newest is not None else 1
    anchor = Anchor(
        n=n,
        previous=newest.hash if newest is not None else "",
        wall=stamp.wall,
        arrival=arrival,
        trusted=stamp.trusted,
        key=key.public,
        first=present.first or _first_of(newest) or n,
        heads=tuple(present.heads),
        removed=present.removed,
    )
    body = msgspec.json.encode(anchor)
    digest = hashlib.sha256(body).hexdigest()
    return AnchorRow(n, digest, body.decode(), key.sign(DOMAIN + body))


def _first_of(newest: AnchorRow | None) -> int:
    """Of a database begun anew beside an older log: what the log's anchors spoke of is missing."""
    return parsed(newest).anchor.first if newest is not None else 0


def parsed(row: AnchorRow) -> Signed:
    """A stored anchor as it reads. Raises ``ValueError`` when it is none."""
    return Signed(_decode(row.body), row)


def parsed_line(line: str) -> Signed:
    """A line of ``anchors.log``. Raises ``ValueError`` when it is none."""
    body, _, signature = line.rstrip("\n").partition("\t")
    if len(signature) != _SIGNATURE:
        raise ValueError("no anchor: a line is a body, a tab and a signature")
    anchor = _decode(body)
    return Signed(anchor, AnchorRow(anchor.n, digest(body), body, signature))


def digest(body: str) -> str:
    """The hash of an anchor."""
    return hashlib.sha256(body.encode()).hexdigest()


def holds(signed: Signed) -> bool:
    """Whether the hash is of this body, and the signature of the key that it names."""
    anchor, row = signed
    whole = row.hash == digest(row.body) and row.n == anchor.n
    return whole and is_signed(anchor.key, row.signature, DOMAIN + row.body.encode())
