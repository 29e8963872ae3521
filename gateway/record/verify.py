"""Verifies a case file of Gridwarden offline. Needs Python 3.9 or newer and nothing else.

    python verify.py incident-L20260105-0001.zip [FINGERPRINT]
    python verify.py                                    in the unpacked folder

验证 Gridwarden 的事件档案,离线即可,只需要 Python 3.9 或更新版本。

What it checks: every file against the manifest, the manifest's signature, the hash chain of the
events, the signed anchors that name them, the digests of texts and pictures. Exit code 0: all of
it holds. 1: something does not. The signature is Ed25519 (RFC 8032), computed here.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import zipfile
import zlib
from base64 import b32encode
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
BOX_DOMAIN = b"gridwarden case file 1\n"
ANCHOR_DOMAIN = b"gridwarden anchor 1\n"
MOST_BYTES = 500_000_000
MOST_FILES = 1_000
MOST_ANCHORS = 20_000
"""Each takes a few milliseconds; an incident has as many as it has events at most."""
_PIECE = 1 << 20
_NO_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, NotImplementedError)
_NAMED = re.compile(r'"([a-z_]+)":"([0-9a-f]{64})"')
_FILES = ("evidence", "attachment")
_FIELDS = [str, int, str, int, int, int, str, str, str, str]
"""Of an event: incident, number, what, wall, arrival, trusted, by, data, previous, hash."""


class Said(NamedTuple):
    """One line of the outcome."""

    ok: bool
    zh: str
    en: str


class Broken(Exception):
    """Nothing can be verified; ``zh`` and ``en`` say why."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh = zh
        self.en = en


_TOO_LARGE = Broken("档案过大", "the case file is too large")


def check(path: Path, expected: str = "") -> list[Said]:
    """Everything about the case file at ``path``, a zip or a folder. Raises ``Broken``.

    ``expected`` is the fingerprint of the key that must have signed; "": whichever did is named.
    """
    files = _read(path)
    manifest = _json(files, MANIFEST)
    said = _files(files, manifest)
    said += _signed(files, manifest, expected)
    events = _lines(files, "events.jsonl")
    said += _chain(events, _json(files, "incident.json"))
    said += _anchors(files, events, str(manifest.get("key", "")), expected)
    said += _texts(files, events)
    return said + _evidence(files, events)


# --- what lies in it -------------------------------------------------------------------------


def _read(path: Path) -> dict[str, bytes]:
    """Every file by its name. The sizes are bounded: a zip may be hostile."""
    if path.is_dir():
        names = [p for p in sorted(path.rglob("*")) if p.is_file() and "__pycache__" not in p.parts]
        return {p.relative_to(path).as_posix(): p.read_bytes() for p in names}
    try:
        with zipfile.ZipFile(path) as box:
            members = box.infolist()
            if len(members) > MOST_FILES or sum(m.file_size for m in members) > MOST_BYTES:
                raise _TOO_LARGE
            if len({m.filename for m in members}) != len(members):
                raise Broken("档案中有重名文件", "two files of it have the same name")
            left, files = MOST_BYTES, {}
            for member in members:
                files[member.filename] = _unpacked(box, member, left)
                left -= len(files[member.filename])
            return files
    except _NO_ZIP as error:
        raise Broken("不是完整的 zip 文件", "this is no whole zip file") from error


def _unpacked(box: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    """To its true end and in pieces: what a zip says of its sizes may be a lie."""
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("the others unpack without any bound")
    said, member.file_size = member.file_size, most + _PIECE + 1
    pieces, size = [], 0
    with box.open(member) as stream:
        while piece := stream.read(_PIECE):
            size += len(piece)
            if size > most:
                raise _TOO_LARGE
            pieces.append(piece)
    if size != said:
        raise ValueError("not of the size that it says")
    return b"".join(pieces)


def _json(files: dict[str, bytes], name: str) -> dict[str, Any]:
    try:
        found = json.loads(files[name].decode())
    except (KeyError, ValueError, RecursionError):
        raise Broken(f"缺少 {name} 或无法读取", f"{name} is missing or can not be read") from None
    if not isinstance(found, dict):
        raise Broken(f"{name} 无法读取", f"{name} can not be read")
    return found


def _lines(files: dict[str, bytes], name: str) -> list[list[Any]]:
    try:
        found = [json.loads(line) for line in files[name].decode().split("\n") if line]
        sound = all(isinstance(e, list) and [type(f) for f in e] == _FIELDS for e in found)
    except (KeyError, ValueError, RecursionError):
        found, sound = [], False
    if not sound or not found:
        raise Broken(f"缺少 {name} 或无法读取", f"{name} is missing or can not be read")
    return found


def _files(files: dict[str, bytes], manifest: dict[str, Any]) -> list[Said]:
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise Broken("清单无法读取", "the manifest can not be read")
    here = {name for name in files if name not in (MANIFEST, SIGNATURE)}
    said = [
        Said(False, f"文件 {name} 不在清单中", f"file {name} is not in the manifest")
        for name in sorted(here - set(listed))
    ]
    for name, digest in sorted(listed.items()):
        if name not in files:
            said.append(Said(False, f"缺少文件 {name}", f"file {name} is missing"))
        elif hashlib.sha256(files[name]).hexdigest() != digest:
            said.append(Said(False, f"文件 {name} 被改动", f"file {name} was changed"))
    if said:
        return said
    return [Said(True, f"{len(listed)} 个文件与清单相符", f"{len(listed)} files are as listed")]


def _signed(files: dict[str, bytes], manifest: dict[str, Any], expected: str) -> list[Said]:
    """Without a signature whoever had the file in hand may have changed what no event names."""
    if SIGNATURE not in files:
        en = "the manifest is not signed: whoever exported it could not read the key"
        said = [Said(True, "清单没有签名(导出者读不到密钥)", en)]
        if expected:
            zh = "只有锚点和环节能与所给的密钥核对"
            said.append(
                Said(False, zh, "only anchors and events can be held against the key given")
            )
        return said
    key = str(manifest.get("key", ""))
    signature = files[SIGNATURE].decode("ascii", "replace").strip()
    if not is_signed(key, signature, BOX_DOMAIN + files[MANIFEST]):
        return [Said(False, "清单的签名不符", "the manifest's signature does not hold")]
    name = fingerprint(key)
    if expected and name != expected:
        en = f"the manifest is signed by another key: {name}"
        return [Said(False, f"清单由另一密钥签署:{name}", en)]
    return [Said(True, f"清单由密钥 {name} 签署", f"the manifest is signed by key {name}")]


# --- the chain and the anchors ---------------------------------------------------------------


def link_hash(event: list[Any]) -> str:
    """The hash of an event: over every field but the hash itself."""
    text = json.dumps(event[:-1], ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _chain(events: list[list[Any]], incident: dict[str, Any]) -> list[Said]:
    previous = ""
    for number, event in enumerate(events, 1):
        if event[0] != incident.get("key") or event[1] != number:
            return [Said(False, f"第 {number} 个环节缺失", f"event {number} is missing")]
        if event[8] != previous:
            return [Said(False, f"第 {number} 个环节与前一环节不衔接",
                         f"event {number} does not follow the one before it")]  # fmt: skip
        if event[9] != link_hash(event):
            return [Said(False, f"第 {number} 个环节被改动", f"event {number} was changed")]
        previous = event[9]
    if (incident.get("events"), incident.get("head")) != (len(events), previous):
        return [Said(False, "最后的环节与 incident.json 不符",
                     "the last event is not the one that incident.json names")]  # fmt: skip
    count = len(events)
    return [Said(True, f"{count} 个环节的哈希链相符", f"the hash chain of {count} events holds")]


def _anchors(
    files: dict[str, bytes], events: list[list[Any]], key: str, expected: str
) -> list[Said]:
    said: list[Said] = []
    signers: list[str] = []
    covered, last = 0, 0
    lines = [e for e in files.get("anchors.log", b"").decode("utf-8", "replace").split("\n") if e]
    if len(lines) > MOST_ANCHORS:
        raise _TOO_LARGE
    for line in lines:
        anchor, holds = _anchor(line)
        n = anchor.get("n")
        if not holds:
            said.append(
                Said(False, f"锚点 {n} 的签名不符", f"anchor {n}: its signature does not hold")
            )
            continue
        if anchor["key"] not in signers:
            signers.append(anchor["key"])
        for incident, seq, digest in _heads(anchor):
            if incident != events[0][0]:
                continue
            if not 1 <= seq <= len(events) or events[seq - 1][9] != digest:
                said.append(Said(False, f"第 {seq} 个环节不是锚点 {n} 签署的那一个",
                                 f"event {seq} is not the one that anchor {n} signed"))  # fmt: skip
            else:
                covered, last = max(covered, seq), int(anchor["n"])
    said += _coverage(covered, last, len(events))
    if not signers and SIGNATURE not in files:
        zh = "档案中没有任何签名,任何人都可能写出它"
        said.append(Said(False, zh, "nothing in it is signed: anybody may have written it"))
    said += [_signer(each, expected) for each in signers]
    if signers and key and key not in signers:
        zh = "清单与锚点出自不同的密钥"
        said.append(Said(False, zh, "the manifest and the anchors are of different keys"))
    return said


def _coverage(covered: int, last: int, count: int) -> list[Said]:
    said = []
    if covered:
        zh = f"环节 1-{covered} 由锚点 {last} 签署"
        said.append(Said(True, zh, f"events 1-{covered} are signed by anchor {last}"))
    if covered < count:
        zh = f"环节 {covered + 1}-{count} 导出时尚未签署"
        said.append(Said(True, zh, f"events {covered + 1}-{count} were not signed yet"))
    return said


def _signer(key: str, expected: str) -> Said:
    name = fingerprint(key)
    if expected and name != expected:
        return Said(False, f"锚点出自另一密钥:{name}", f"the anchors are of another key: {name}")
    if expected:
        return Said(True, f"锚点出自所给的密钥 {name}", f"the anchors are of the key given, {name}")
    zh = f"锚点的密钥:{name}(请与网关上公示的指纹核对)"
    return Said(True, zh, f"the anchors' key: {name} (compare it with what the gateway shows)")


def _anchor(line: str) -> tuple[dict[str, Any], bool]:
    """A line as it reads, and whether its signature holds."""
    body, _, signature = line.partition("\t")
    try:
        anchor = json.loads(body)
    except (ValueError, RecursionError):
        return {}, False
    if not isinstance(anchor, dict) or [type(anchor.get(n)) for n in ("key", "n")] != [str, int]:
        return {}, False
    return anchor, is_signed(anchor["key"], signature.strip(), ANCHOR_DOMAIN + body.encode())


def _heads(anchor: dict[str, Any]) -> list[tuple[str, int, str]]:
    heads = anchor.get("heads")
    return [
        (head[0], head[1], head[2])
        for head in (heads if isinstance(heads, list) else [])
        if isinstance(head, list) and [type(each) for each in head[:3]] == [str, int, str]
    ]


# --- what the events name --------------------------------------------------------------------


def _named(events: list[list[Any]]) -> list[tuple[int, str, str]]:
    """(event, name, digest) of every text and file that events speak of."""
    return [(e[1], name, digest) for e in events for name, digest in _NAMED.findall(e[7])]


def _texts(files: dict[str, bytes], events: list[list[Any]]) -> list[Said]:
    texts = _json(files, "texts.json")
    wanted = {digest: seq for seq, name, digest in _named(events) if name not in _FILES}
    said = [
        Said(False, f"文字 {digest[:12]} 被改动", f"text {digest[:12]} was changed")
        for digest, text in texts.items()
        if hashlib.sha256(str(text).encode("utf-8", "replace")).hexdigest() != digest
    ]
    gone = sorted(seq for digest, seq in wanted.items() if digest not in texts)
    if gone:
        zh = f"环节 {gone} 的文字已按期删除,只余摘要"
        said.append(Said(True, zh, f"the texts of events {gone} were deleted; digests stay"))
    if texts and not any(not each.ok for each in said):
        said.append(Said(True, f"{len(texts)} 段文字与摘要相符",
                         f"{len(texts)} texts are of their digests"))  # fmt: skip
    return said


def _evidence(files: dict[str, bytes], events: list[list[Any]]) -> list[Said]:
    said = []
    here = {Path(name).stem: name for name in files if name.startswith("evidence/")}
    for digest, name in sorted(here.items()):
        if hashlib.sha256(files[name]).hexdigest() != digest:
            said.append(Said(False, f"图像 {name} 被改动", f"picture {name} was changed"))
    wanted = {digest: seq for seq, name, digest in _named(events) if name in _FILES}
    gone = sorted({seq for digest, seq in wanted.items() if digest not in here})
    if gone:
        said.append(
            Said(True, f"环节 {gone} 的图像导出时已不在", f"pictures of events {gone}: gone")
        )
    if here and not any(not each.ok for each in said):
        said.append(Said(True, f"{len(here)} 个图像文件与摘要相符",
                         f"{len(here)} pictures are of their digests"))  # fmt: skip
    return said


# --- Ed25519 (RFC 8032) ----------------------------------------------------------------------

_P = 2**255 - 19
_L = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, _P - 2, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_Point = tuple[int, int, int, int]


def is_signed(public: str, signature: str, data: bytes) -> bool:
    """Whether ``signature`` (hex) of ``data`` is of the key whose public half this is (hex)."""
    try:
        key, both = bytes.fromhex(public), bytes.fromhex(signature)
    except ValueError:
        return False
    if len(key) != 32 or len(both) != 64:
        return False
    a, r, s = _point(key), _point(both[:32]), int.from_bytes(both[32:], "little")
    if a is None or r is None or s >= _L:
        return False
    h = int.from_bytes(hashlib.sha512(both[:32] + key + data).digest(), "little") % _L
    return _same(_times(s, _BASE), _add(r, _times(h, a)))


def fingerprint(public: str) -> str:
    """What people compare of a public key (hex)."""
    try:
        digest = hashlib.sha256(bytes.fromhex(public)).digest()
    except ValueError:
        return "?"
    text = b32encode(digest).decode()[:20]
    return "-".join(text[at : at + 4] for at in range(0, 20, 4))


def _x(y: int, sign: int) -> int | None:
    """The coordinate that belongs to ``y``; None where no point of the curve has it."""
    if y >= _P:
        return None
    square = (y * y - 1) * pow(_D * y * y + 1, _P - 2, _P) % _P
    if square == 0:
        return None if sign else 0
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * _ROOT % _P
    if (x * x - square) % _P:
        return None
    return _P - x if x & 1 != sign else x


def _point(data: bytes) -> _Point | None:
    number = int.from_bytes(data, "little")
    y = number & ((1 << 255) - 1)
    x = _x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % _P)


def _add(p: _Point, q: _Point) -> _Point:
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % _P, (p[1] + p[0]) * (q[1] + q[0]) % _P
    c, d = 2 * p[3] * q[3] * _D % _P, 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(s: int, p: _Point) -> _Point:
    q: _Point = (0, 1, 1, 0)
    while s:
        if s & 1:
            q = _add(q, p)
        p = _add(p, p)
        s >>= 1
    return q


def _same(p: _Point, q: _Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


_Y = 4 * pow(5, _P - 2, _P) % _P
_BASE: _Point = (_x(_Y, 0) or 0, _Y, 1, (_x(_Y, 0) or 0) * _Y % _P)


# --- the command -----------------------------------------------------------------------------


def main(arguments: list[str], write: Callable[[str], Any]) -> int:
    """Verify what is named, or the folder that this file lies in; the exit code."""
    path = Path(arguments[0]) if arguments else Path(__file__).resolve().parent
    try:
        said = check(path, "".join(arguments[1:2]))
    except (Broken, OSError) as error:
        zh, en = getattr(error, "zh", "无法读取"), getattr(error, "en", str(error))
        write(f"✗ {zh} / {en}\n")
        return 1
    for each in said:
        line = f"{'✓' if each.ok else '✗'} {each.zh} / {each.en}"
        # A name in the file could hold line ends, and what a terminal obeys.
        write("".join(sign if sign.isprintable() else "?" for sign in line) + "\n")
    well = all(each.ok for each in said)
    write("档案完整,未被改动 / the case file is whole\n" if well
          else "档案不可信 / the case file does NOT hold\n")  # fmt: skip
    return 0 if well else 1


if __name__ == "__main__":
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(main(sys.argv[1:], sys.stdout.write))
