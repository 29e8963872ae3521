"""The case file: one zip with all about an incident, the same bytes for the same state.

report.html  verify.py  README.txt          to read, to verify
incident.json  events.jsonl  anchors.log    the chain as it is hashed, and who vouches for it
messages.json  texts.json  registry.json    who was told, what people wrote, names
readings.jsonl  rules/  evidence/           what the sensors and the rules of that time said
manifest.json  manifest.sig                 the digest of every file, signed
"""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from typing import IO, Any, Final, NamedTuple

import msgspec

from gateway.record import verify
from gateway.record.gather import Contents
from gateway.record.key import Key

_TIME: Final = (1980, 1, 1, 0, 0, 0)
_BLOCK: Final = 1 << 20
MOST_EVIDENCE: Final = 300_000_000
"""Bytes of pictures and clips in one case file; what is left out is named in ``manifest.json``."""
FORMAT: Final = 1

_README: Final = """\
{key}  Gridwarden 事件档案 / case file

先解压,再打开 report.html(可打印)。
  验证:python verify.py(只需要 Python 3.9 或更新版本,可离线)
  指纹:{fingerprint}  请与网关上 gridwarden audit --key 显示的核对。
  events.jsonl 每行一个环节,末尾是其哈希;anchors.log 是网关对各环节链末端的签名;
  readings.jsonl 是发生前后十分钟内本楼相关设备的上报;rules/ 是当时生效的规则原文。
  含个人信息(姓名、备注、图像),请按规定保管,到期销毁。图像按原样保存,可能带有拍摄位置。

Unpack it, then open report.html (it can be printed).
  verify:       python verify.py   (Python 3.9 or newer and nothing else, offline)
  fingerprint:  {fingerprint}   compare it with what `gridwarden audit --key` shows.
  events.jsonl has one event a line and its hash at the end; anchors.log is what the gateway signed
  about the ends of the chains; readings.jsonl is what the devices of the building reported within
  ten minutes before and after; rules/ are the rules in force then, as they were written.
  It holds personal data (names, comments, pictures): keep it as the law says and destroy it in
  time. Pictures are as they were taken and may say where.
"""


class Written(NamedTuple):
    """What became of an export."""

    files: int
    size: int
    """Bytes of the zip."""
    signed: bool
    left_out: int
    """Pictures and clips beyond ``MOST_EVIDENCE``."""


class _Box:
    """A zip whose bytes depend on nothing but what is put in."""

    def __init__(self, target: IO[bytes]) -> None:
        self._zip = zipfile.ZipFile(target, "w")
        self.digests: dict[str, str] = {}

    def add(self, name: str, data: bytes, *, listed: bool = True) -> None:
        if listed:
            self.digests[name] = hashlib.sha256(data).hexdigest()
        self._zip.writestr(_entry(name), data)

    def add_file(self, name: str, path: Path) -> None:
        digest = hashlib.sha256()
        with path.open("rb") as file, self._zip.open(_entry(name), "w") as entry:
            while block := file.read(_BLOCK):
                digest.update(block)
                entry.write(block)
        self.digests[name] = digest.hexdigest()

    def close(self) -> int:
        self._zip.close()
        return len(self._zip.infolist())


def pack(
    target: IO[bytes], contents: Contents, report: str, key: Key | None, public: str
) -> Written:
    """Write the case file. ``public`` is the key that signs the anchors, hex; "" for none.

    Without ``key`` the manifest is not signed; all the rest is as good. Raises ``OSError``.
    """
    box = _Box(target)
    name = contents.incident.key
    shown = verify.fingerprint(public) if public else "-"
    box.add("README.txt", _README.format(key=name, fingerprint=shown).encode())
    box.add("report.html", report.encode())
    box.add("verify.py", Path(verify.__file__).read_bytes())
    box.add("incident.json", _pretty(contents.incident))
    box.add("events.jsonl", _lines(contents.links))
    box.add("anchors.log", "".join(f"{each.line}\n" for each in contents.anchors).encode())
    box.add("texts.json", _pretty(contents.texts))
    box.add("messages.json", _pretty(contents.outbox))
    box.add("readings.jsonl", _lines([_record(contents, each) for each in contents.records]))
    box.add("registry.json", _pretty(contents.site))
    for file, text in contents.rules:
        box.add(f"rules/{file.removeprefix('packs/').replace('/', '_')}", text.encode())
    left_out = _add_evidence(box, contents)
    manifest = {
        "format": FORMAT,
        "incident": name,
        "key": public,
        "readings_cut": contents.cut,
        "left_out": left_out,
        "files": dict(sorted(box.digests.items())),
    }
    body = _pretty(manifest)
    box.add(verify.MANIFEST, body, listed=False)
    if key is not None:
        box.add(verify.SIGNATURE, key.sign(verify.BOX_DOMAIN + body).encode(), listed=False)
    files = box.close()
    return Written(files, target.tell(), key is not None, len(left_out))


def _add_evidence(box: _Box, contents: Contents) -> list[str]:
    """The digests of what there was no room for."""
    room, left_out = MOST_EVIDENCE, []
    for digest, path in sorted(contents.evidence.items()):
        size = path.stat().st_size
        if size > room:
            left_out.append(digest)
            continue
        room -= size
        box.add_file(f"evidence/{path.name}", path)
    return left_out


def _record(contents: Contents, found: Any) -> dict[str, Any]:
    """A record of the journal by its names; times are ns."""
    item = msgspec.structs.asdict(found.item)
    item.pop("evidence", None)
    evidence = getattr(found.item, "evidence", None)
    if evidence is not None:
        item["evidence"] = evidence.sha256
    return {
        "n": found.n,
        "wall": contents.wall(found),
        "arrival": found.arrival,
        "clock_trusted": found.trusted,
        "what": type(found.item).__name__,
        **item,
    }


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _TIME)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.create_system = 3
    entry.external_attr = 0o644 << 16
    return entry


def _lines(rows: Any) -> bytes:
    return b"".join(msgspec.json.encode(row) + b"\n" for row in rows)


def _pretty(value: Any) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=1) + b"\n"
