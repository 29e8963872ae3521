"""Payload formats as data: what the bytes of well-known makes mean, without the maker's codec.

One module per maker; each has ``decode(model, port, data)`` and gives the object that the maker's
own published codec gives, names included. The tables are written from the makers' manuals and from
the codecs that they publish with The Things Network, ChirpStack and on their own pages: facts
about layouts, no code of theirs.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Final

LONGEST: Final = 2048
"""Bytes of a payload. LoRaWAN carries 242; a network server may join fragments."""

Decode = Callable[[str, int, bytes], dict[str, Any] | None]

MAKERS: Final[Mapping[str, str]] = {
    "aquascope": "aquascope",
    "bosch": "bosch",
    "browan": "browan",
    "merryiot": "browan",
    "cayenne": "cayenne",
    "cayennelpp": "cayenne",
    "mydevices": "cayenne",
    "decentlab": "decentlab",
    "dingtek": "dingtek",
    "dragino": "dragino",
    "ellenex": "ellenex",
    "elsys": "elsys",
    "laird": "laird",
    "ezurio": "laird",
    "mclimate": "mclimate",
    "milesight": "milesight",
    "ursalink": "milesight",
    "moirelabs": "moirelabs",
    "netvox": "netvox",
    "noah": "noah",
    "nwave": "nwave",
    "talkpool": "talkpool",
    "tektelic": "tektelic",
    "tekzitel": "tekzitel",
    "teneoiot": "teneo",
    "teneo": "teneo",
    "terabee": "terabee",
}
"""Makers' names, letters and digits only -> the module with their table."""

_PLAIN: Final = re.compile(r"[^a-z0-9]+")


def decode(maker: str, model: str, port: int, data: bytes) -> dict[str, Any] | None:
    """The decoded object of one uplink, in the maker's published names; None: no table knows it.

    ``maker`` and ``model`` are hints as people wrote them ("Milesight IoT", "EM300-TH 868M"); the
    maker may stand in the model's name. ValueError, with the reason: the device is known, the
    bytes are not what it sends.
    """
    table, plain = _table(maker, model)
    if table is None:
        return None
    if not 0 < len(data) <= LONGEST:
        raise ValueError(f"{len(data)} bytes, a payload has 1 to {LONGEST}")
    return table(plain, port, data)


@lru_cache(maxsize=1024)
def _table(maker: str, model: str) -> tuple[Decode | None, str]:
    """The maker's decoder, imported when the first payload needs it, and the model's plain name."""
    plain = _PLAIN.sub("", model.lower())
    made_by = _PLAIN.sub("", maker.lower())
    module = next((MAKERS[name] for name in MAKERS if made_by.startswith(name)), None)
    if module is None:
        found = next((name for name in MAKERS if plain.startswith(name)), None)
        if found is not None:
            module = MAKERS[found]
            plain = plain.removeprefix(found) or plain
    if module is None:
        return None, plain
    decoder: Decode = importlib.import_module(f"{__name__}.{module}").decode
    return decoder, plain


def known(models: Mapping[str, Any], model: str) -> str | None:
    """The longest of ``models`` whose name stands in ``model``; None: none does."""
    found = [name for name in models if name in model]
    return max(found, key=len) if found else None
