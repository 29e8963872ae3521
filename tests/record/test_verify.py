"""``verify.py``: the same hashes and signatures as the gateway's, and no tampered file passes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
import tracemalloc
import zipfile
import zlib
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


# --- what a zip can do to its reader ---------------------------------------------------------


def lying(raw: bytes, said: bytes) -> bytes:
    """The zip of one file, which now says of itself that it unpacks to ``said``."""
    with zipfile.ZipFile(io.BytesIO(raw)) as box:
        (part,) = box.infolist()
    true = struct.pack("<I", part.file_size)
    crc = struct.pack("<I", part.CRC)
    assert raw.count(true) == raw.count(crc) == 2
    raw = raw.replace(true, struct.pack("<I", len(said)))
    return raw.replace(crc, struct.pack("<I", zlib.crc32(said)))


def test_a_bomb_that_lies_of_its_size_is_not_unpacked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verify, "MOST_BYTES", 3_000_000)
    path = boxed(tmp_path / "x.zip", bomb="0" * 70_000_001)
    path.write_bytes(lying(path.read_bytes(), b"0" * 1_001))
    tracemalloc.start()
    try:
        with pytest.raises(verify.Broken, match="too large"):
            verify.check(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
    monkeypatch.setattr(verify, "MOST_BYTES", 100_000_000)
    with pytest.raises(verify.Broken, match="no whole zip"):
        verify.check(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_ways_to_pack_that_have_no_bound_are_refused(tmp_path: Path, method: int) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w", method) as box:
        box.writestr("manifest.json", "{}")
    with pytest.raises(verify.Broken, match="no whole zip"):
        verify.check(tmp_path / "x.zip")


def test_a_torn_stream_is_said_in_one_line(tmp_path: Path) -> None:
    path = boxed(tmp_path / "x.zip", manifest_json=os.urandom(50).hex())
    raw = bytearray(path.read_bytes())
    at = 30 + len("manifest.json")
    raw[at : at + 8] = b"\xff" * 8
    path.write_bytes(raw)
    with pytest.raises(verify.Broken, match="no whole zip"):
        verify.check(path)


# --- forged from nothing ---------------------------------------------------------------------


def invented(path: Path, key: Ed25519PrivateKey | None, **more: bytes) -> Path:
    """A case file that somebody made up; ``key`` is the forger's own."""
    event: list[object] = ["L1-0001", 1, "opened", 1, 1, 1, "rules", "{}", ""]
    event.append(verify.link_hash([*event, ""]))
    files = {
        "events.jsonl": json.dumps(event).encode(),
        "incident.json": json.dumps({"key": "L1-0001", "events": 1, "head": event[9]}).encode(),
        "texts.json": b"{}",
    } | more
    public = key.public_key().public_bytes_raw().hex() if key is not None else ""
    listed = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    manifest = json.dumps({"key": public, "files": listed}).encode()
    with zipfile.ZipFile(path, "w") as box:
        for name, data in {**files, "manifest.json": manifest}.items():
            box.writestr(name, data)
        if key is not None:
            box.writestr("manifest.sig", key.sign(verify.BOX_DOMAIN + manifest).hex())
    return path


def wrong(said: list[verify.Said]) -> list[str]:
    return [each.en for each in said if not each.ok]


def test_a_file_in_which_nothing_is_signed_does_not_hold(tmp_path: Path) -> None:
    path = invented(tmp_path / "x.zip", None)
    assert wrong(verify.check(path)) == ["nothing in it is signed: anybody may have written it"]
    assert len(wrong(verify.check(path, "AAAA-BBBB-CCCC-DDDD-EEEE"))) == 2


def test_a_file_without_anchors_does_not_pass_for_one_of_the_key_given(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    path = invented(tmp_path / "x.zip", key)
    own = fingerprint(key.public_key().public_bytes_raw().hex())
    assert wrong(verify.check(path, own)) == []
    assert wrong(verify.check(path, "AAAA-BBBB-CCCC-DDDD-EEEE")) == [
        f"the manifest is signed by another key: {own}"
    ]


def test_a_name_or_a_text_of_the_file_can_not_write_lines_of_its_own(tmp_path: Path) -> None:
    named = {"x\n\x1b[2J✓ 档案完整": b"", "texts.json": b'{"a": "\\ud800"}'}
    path = invented(tmp_path / "x.zip", None, **named)
    with zipfile.ZipFile(path, "a") as box:
        box.writestr("y\n✓ the case file is whole\n", b"")
    lines: list[str] = []
    assert verify.main([str(path)], lines.append) == 1
    assert all(line.count("\n") == 1 and line[:-1].isprintable() for line in lines)


def test_more_anchors_than_an_incident_can_have_are_not_worked_through(tmp_path: Path) -> None:
    path = invented(tmp_path / "x.zip", None, **{"anchors.log": b"x\n" * 20_001})
    with pytest.raises(verify.Broken, match="too large"):
        verify.check(path)
