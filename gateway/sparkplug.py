"""Sparkplug B payloads, both ways: what the mqtt dialect reads and the sink writes. Pure.

The protobuf messages are made from their field numbers (Sparkplug 3.0, chapter 6), so that no
generated file has to fit the installed protobuf. Data sets, templates and files are skipped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

try:
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from google.protobuf.message import DecodeError
except ModuleNotFoundError as error:  # it is not called as it is imported
    raise ModuleNotFoundError(str(error), name="protobuf") from None

MOST_METRICS: Final = 2_000
"""Metrics of one payload."""
_INT8, _INT32, _INT64, _UINT64 = 1, 3, 4, 8
BOOLEAN: Final = 11
STRING: Final = 12
FLOAT: Final = 9
DOUBLE: Final = 10
INT32: Final = _INT32
INT64: Final = _INT64
_BITS: Final = {1: 8, 2: 16, 3: 32, 4: 64}
"""Signed integers, which travel as two's complement."""
_LONG: Final = frozenset({_INT64, _UINT64, 13})
_TEXTS: Final = frozenset({STRING, 14, 15})
_UNIT: Final = "engUnit"

Scalar = bool | int | float | str | None


class Metric(NamedTuple):
    """One value. ``name`` is "" where only the alias of a birth was sent.

    ``value`` None: null, or of a type that is no scalar. ``at``: ms since 1970 UTC.
    """

    name: str
    datatype: int
    value: Scalar
    at: int | None = None
    alias: int | None = None
    historical: bool = False
    unit: str = ""


class Payload(NamedTuple):
    """One message's content; ``at`` in ms since 1970 UTC, ``seq`` 0 to 255."""

    at: int | None
    metrics: Sequence[Metric]
    seq: int | None


def decode(raw: bytes) -> Payload:
    """From a message's bytes. ValueError says why they are none."""
    try:
        found = _PAYLOAD.FromString(raw)
    except DecodeError:
        raise ValueError("no Sparkplug B payload: not its protobuf") from None
    if len(found.metrics) > MOST_METRICS:
        raise ValueError(f"{len(found.metrics):,} metrics; {MOST_METRICS:,} are the limit")
    return Payload(
        found.timestamp if found.HasField("timestamp") else None,
        [_metric(metric) for metric in found.metrics],
        found.seq if found.HasField("seq") else None,
    )


def encode(payload: Payload) -> bytes:
    """To a message's bytes; 0 and false are written, for hosts miss them otherwise."""
    message = _PAYLOAD()
    if payload.at is not None:
        message.timestamp = payload.at
    if payload.seq is not None:
        message.seq = payload.seq
    for metric in payload.metrics:
        _write(message.metrics.add(), metric)
    written: bytes = message.SerializeToString()
    return written


def _metric(found: Any) -> Metric:
    field = None if found.is_null else found.WhichOneof("value")
    value: Scalar = getattr(found, field) if field is not None else None
    if isinstance(value, bytes):
        value = _text(value)
    if isinstance(value, int) and (bits := _BITS.get(found.datatype)) is not None:
        value = _signed(value, bits)
    elif isinstance(value, float) and field == "float_value":
        value = float(f"{value:.7g}")  # 12.3 is 12.3 to people, whatever 32 bits make of it
    unit = ""
    keys = found.properties.keys
    if _UNIT in keys[:20]:
        index = list(keys).index(_UNIT)
        values = found.properties.values
        unit = _text(values[index].string_value) if index < len(values) else ""
    return Metric(
        _text(found.name),
        found.datatype,
        value,
        found.timestamp if found.HasField("timestamp") else None,
        found.alias if found.HasField("alias") else None,
        found.is_historical,
        unit[:20],
    )


def _text(found: str | bytes) -> str:
    """Protobuf hands out a text that is not UTF-8 as its bytes."""
    return found.decode("utf-8", "replace") if isinstance(found, bytes) else found


def _signed(value: int, bits: int) -> int:
    """Some encoders sign-extend small types to the field's width, so take the low bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def _write(message: Any, metric: Metric) -> None:
    if metric.name:
        message.name = metric.name
    if metric.alias is not None:
        message.alias = metric.alias
    if metric.at is not None:
        message.timestamp = metric.at
    message.datatype = metric.datatype
    if metric.historical:
        message.is_historical = True
    if metric.unit:
        message.properties.keys.append(_UNIT)
        unit = message.properties.values.add()
        unit.type, unit.string_value = STRING, metric.unit
    if metric.value is None:
        message.is_null = True
    elif metric.datatype == BOOLEAN:
        message.boolean_value = metric.value
    elif metric.datatype in _TEXTS:
        message.string_value = metric.value
    elif metric.datatype == FLOAT:
        message.float_value = metric.value
    elif metric.datatype == DOUBLE:
        message.double_value = metric.value
    elif metric.datatype in _LONG:
        message.long_value = int(metric.value) & (1 << 64) - 1
    else:
        message.int_value = int(metric.value) & (1 << 32) - 1


# --- the protobuf messages, by field number ------------------------------------------------

_F = descriptor_pb2.FieldDescriptorProto
_ONE, _MANY = _F.LABEL_OPTIONAL, _F.LABEL_REPEATED
_PACKAGE: Final = "org.eclipse.tahu.protobuf"
_Field = tuple[str, int, Any, Any, str]


def _described(name: str, fields: Sequence[_Field], oneof: Sequence[str] = ()) -> Any:
    message = descriptor_pb2.DescriptorProto(name=name)
    if oneof:
        message.oneof_decl.add(name="value")
    for field_name, number, label, kind, of in fields:
        field = message.field.add(name=field_name, number=number, label=label, type=kind)
        if of:
            field.type_name = f".{_PACKAGE}.{of}"
        if field_name in oneof:
            field.oneof_index = 0
    return message


def _payload_class() -> Any:
    scalar = [
        ("int_value", _F.TYPE_UINT32),
        ("long_value", _F.TYPE_UINT64),
        ("float_value", _F.TYPE_FLOAT),
        ("double_value", _F.TYPE_DOUBLE),
        ("boolean_value", _F.TYPE_BOOL),
        ("string_value", _F.TYPE_STRING),
    ]
    names = [name for name, _ in scalar]
    file = descriptor_pb2.FileDescriptorProto(
        name="gridwarden/sparkplug_b.proto", package=_PACKAGE, syntax="proto2"
    )
    value: list[_Field] = [
        ("type", 1, _ONE, _F.TYPE_UINT32, ""),
        ("is_null", 2, _ONE, _F.TYPE_BOOL, ""),
        *((name, 3 + i, _ONE, kind, "") for i, (name, kind) in enumerate(scalar)),
    ]
    metric: list[_Field] = [
        ("name", 1, _ONE, _F.TYPE_STRING, ""),
        ("alias", 2, _ONE, _F.TYPE_UINT64, ""),
        ("timestamp", 3, _ONE, _F.TYPE_UINT64, ""),
        ("datatype", 4, _ONE, _F.TYPE_UINT32, ""),
        ("is_historical", 5, _ONE, _F.TYPE_BOOL, ""),
        ("is_transient", 6, _ONE, _F.TYPE_BOOL, ""),
        ("is_null", 7, _ONE, _F.TYPE_BOOL, ""),
        ("properties", 9, _ONE, _F.TYPE_MESSAGE, "PropertySet"),
        *((name, 10 + i, _ONE, kind, "") for i, (name, kind) in enumerate(scalar)),
    ]
    file.message_type.extend(
        [
            _described("PropertyValue", value, names),
            _described(
                "PropertySet",
                [
                    ("keys", 1, _MANY, _F.TYPE_STRING, ""),
                    ("values", 2, _MANY, _F.TYPE_MESSAGE, "PropertyValue"),
                ],
            ),
            _described("Metric", metric, names),
            _described(
                "Payload",
                [
                    ("timestamp", 1, _ONE, _F.TYPE_UINT64, ""),
                    ("metrics", 2, _MANY, _F.TYPE_MESSAGE, "Metric"),
                    ("seq", 3, _ONE, _F.TYPE_UINT64, ""),
                    ("uuid", 4, _ONE, _F.TYPE_STRING, ""),
                    ("body", 5, _ONE, _F.TYPE_BYTES, ""),
                ],
            ),
        ]
    )
    pool = descriptor_pool.DescriptorPool()  # of our own: another library may bring the same names
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.Payload"))


_PAYLOAD: Final = _payload_class()
