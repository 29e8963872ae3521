"""The key that the record is signed with: Ed25519, made at the first start, for one gateway."""

from __future__ import annotations

import base64
import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gateway.ports import Unavailable

if TYPE_CHECKING:  # the library is imported when the first key is used, not with the program
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE: Final = "record.key"
"""In the folder of the databases; PKCS#8 PEM, readable for its owner alone."""
_LARGEST: Final = 4_096
_FINGERPRINT: Final = 20
"""Base32 characters: 100 bits."""


class Key:
    """Signs; prints as its public half."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw().hex()
        """32 bytes as hex."""

    def sign(self, data: bytes) -> str:
        """The signature, 64 bytes as hex."""
        return self._private.sign(data).hex()

    def __repr__(self) -> str:
        return f"Key({fingerprint(self.public)})"


class Opened(NamedTuple):
    """A key, and how it came to be there."""

    key: Key
    made: bool
    """There was none, or none that can be read."""
    put_aside: Path | None = None
    """Where a file lies that is no key."""


def opened(path: Path) -> Opened:
    """The key at ``path``; one is made where there is none, or where the file is no key.

    Raises ``Unavailable`` when the file can not be read or written.
    """
    try:
        key = read(path)
        if key is not None:
            return Opened(key, made=False)
        aside = _put_aside(path) if path.exists() else None
        return Opened(_make(path), made=True, put_aside=aside)
    except OSError as error:
        raise Unavailable(
            f"{path}: {error.strerror}; the file must be readable and its folder writable for the"
            " gateway's user"
        ) from None


def read(path: Path) -> Key | None:
    """The key at ``path``; None where there is no file, or it is no key. Raises ``OSError``."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        with path.open("rb") as file:
            pem = file.read(_LARGEST)
    except FileNotFoundError:
        return None
    try:
        private = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):  # TypeError: it asks for a password
        return None
    return Key(private) if isinstance(private, Ed25519PrivateKey) else None


def is_signed(public: str, signature: str, data: bytes) -> bool:
    """Whether ``signature`` of ``data`` was made with the key whose public half this is."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
        key.verify(bytes.fromhex(signature), data)
    except (ValueError, InvalidSignature):
        return False
    return True


def fingerprint(public: str) -> str:
    """What people compare: ``ABCD-EFGH-IJKL-MNOP-QRST`` of a public key in hex."""
    digest = hashlib.sha256(bytes.fromhex(public)).digest()
    text = base64.b32encode(digest).decode()[:_FINGERPRINT]
    return "-".join(text[at : at + 4] for at in range(0, _FINGERPRINT, 4))


def _make(path: Path) -> Key:
    """Under another name first: a file of this name is always a whole one."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    new.rename(path)
    _sync_folder(path.parent)
    return Key(private)


def _put_aside(path: Path) -> Path:
    target = path.with_name(f"{path.name}.broken")
    path.rename(target)
    return target


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
