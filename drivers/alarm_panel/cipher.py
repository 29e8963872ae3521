"""AES-CBC as DC-09 uses it: no initialisation vector, pad before the text, hex digits.

Imported only where a key is configured, for this is where the library is.
"""

from __future__ import annotations

import re
import secrets
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_BLOCK: Final = 16
_NOT_IN_PAD: Final = b"[]|"
_PLAIN_END: Final = re.compile(rb"_[0-9: ]{8},[0-9-]{10}\Z")


class WrongKeyError(ValueError):
    """What came out is no message."""


class Aes:
    """One account's key: 16, 24 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES(key), modes.CBC(bytes(_BLOCK)))

    def decrypt(self, digits: bytes) -> bytes:
        """``data] [x…]* _timestamp`` without its pad. ValueError: what is wrong."""
        try:
            sealed = bytes.fromhex(digits.decode("ascii").strip())
        except ValueError:
            raise ValueError("the encrypted part is no row of hex digits") from None
        if not sealed or len(sealed) % _BLOCK:
            raise ValueError(f"the encrypted part has {len(sealed)} bytes, not blocks of {_BLOCK}")
        worker = self._cipher.decryptor()
        plain = worker.update(sealed) + worker.finalize()
        end = plain.find(b"]")
        if end < 0 or not _PLAIN_END.search(plain.rstrip(b"\0")):
            raise WrongKeyError("the key does not fit: what came out is no message")
        bar = plain.find(b"|")
        return plain[bar + 1 if 0 <= bar < end else end :].rstrip(b"\0")

    def encrypt(self, text: bytes) -> bytes:
        """``text`` with a random pad before it, as upper-case hex digits."""
        pad = _BLOCK - len(text) % _BLOCK
        worker = self._cipher.encryptor()
        sealed = worker.update(_pad(pad) + text) + worker.finalize()
        return sealed.hex().upper().encode()


def _pad(length: int) -> bytes:
    """Random bytes other than those that have a meaning."""
    found = bytearray()
    while len(found) < length:
        found += bytes(byte for byte in secrets.token_bytes(length) if byte not in _NOT_IN_PAD)
    return bytes(found[:length])


def key_bytes(text: str, form: str) -> bytes:
    """The key that an installer typed. ValueError: it is none, or could be two."""
    text = text.strip()
    is_hex = re.fullmatch(r"[0-9A-Fa-f]+", text) is not None
    if form == "auto":
        if len(text) == 32 and is_hex:
            raise ValueError(
                "32 hex digits may be 128 bits in hex or 256 bits as text; write key_form: hex"
                " or text"
            )
        form = "hex" if len(text) in (48, 64) and is_hex else "text"
    if form == "hex":
        try:
            key = bytes.fromhex(text)
        except ValueError:
            raise ValueError("the key is not written in pairs of hex digits") from None
    else:
        key = text.encode()
    if len(key) not in (16, 24, 32):
        raise ValueError("a key has 16, 24 or 32 characters, or twice as many hex digits")
    return key
