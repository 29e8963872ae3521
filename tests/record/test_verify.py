"""``verify.py``: the same hashes and signatures as the gateway's, and no tampered file passes."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.record import verify
from gateway.record.key import fingerprint
from gateway.store.chain import Link, link_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NUMBER = st.integers(-(2**63), 2**63 - 1)
LINKS = st.builds(Link, TEXT, NUMBER, TEXT, NUMBER, NUMBER, NUMBER, TEXT, TEXT, TEXT, TEXT)

RFC_8032 = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("public", "message", "signature"), RFC_8032)
def test_the_signatures_of_the_standard_hold_and_a_turned_bit_does_not(
    public: str, message: str, signature: str
) -> None:
    data = bytes.fromhex(message)
    assert verify.is_signed(public, signature, data)
    assert not verify.is_signed(public, signature, data + b"x")
    for at in (0, 31, 32, 63):
        turned = bytearray.fromhex(signature)
        turned[at] ^= 1
        assert not verify.is_signed(public, turned.hex(), data)


def test_a_signature_with_an_order_added_is_refused() -> None:
    public, message, signature = RFC_8032[1]
    s = int.from_bytes(bytes.fromhex(signature)[32:], "little") + verify._L
    forged = signature[:64] + s.to_bytes(32, "little").hex()
    assert not verify.is_signed(public, forged, bytes.fromhex(message))


@pytest.mark.parametrize("public", ["", "zz", "00", "ff" * 32, "00" * 31 + "80"])
def test_what_is_no_key_signs_nothing(public: str) -> None:
    assert not verify.is_signed(public, RFC_8032[0][2], b"")


@given(st.binary(max_size=200))
@settings(max_examples=15, deadline=None)
def test_it_agrees_with_the_library(data: bytes) -> None:
    private = Ed25519PrivateKey.generate()
    public = private.public_key().public_bytes_raw().hex()
    assert verify.is_signed(public, private.sign(data).hex(), data)
    assert verify.fingerprint(public) == fingerprint(public)


@given(LINKS)
def test_it_hashes_an_event_as_the_store_does(link: Link) -> None:
    written = json.loads(json.dumps(list(link)))
    assert verify.link_hash(written) == link_hash(link)


# --- hostile files ---------------------------------------------------------------------------


def boxed(path: Path, **files: object) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as box:
        for name, content in files.items():
            box.writestr(
                name.replace("_", "."),
                content if isinstance(content, str | bytes) else json.dumps(content),
            )
    return path


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"manifest_json": "[" * 100_000},
        {"manifest_json": "[]"},
        {"manifest_json": {"files": []}},
        {"manifest_json": {"files": {}}, "events_jsonl": "[1]\n"},
        {"manifest_json": {"files": {}}, "events_jsonl": '["a",1,"x",1,1,1,"","","",""]\n'},
        {"manifest_json": b"\xff\xfe"},
    ],
    ids=str,
)
def test_what_is_no_case_file_is_said_in_one_line(tmp_path: Path, files: dict[str, object]) -> None:
    with pytest.raises(verify.Broken) as caught:
        verify.check(boxed(tmp_path / "x.zip", **files))
    assert caught.value.zh
    assert "\n" not in caught.value.en


def test_a_bomb_is_not_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "MOST_BYTES", 1_000)
    with pytest.raises(verify.Broken, match="too large"):
        verify.check(boxed(tmp_path / "x.zip", bomb="0" * 2_000))


@given(st.binary(max_size=300))
@settings(max_examples=30, deadline=None)
def test_any_bytes_are_refused_and_never_break_it(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.mktemp("box") / "x.zip"
    path.write_bytes(raw)
    with pytest.raises(verify.Broken):
        verify.check(path)
    os.remove(path)
