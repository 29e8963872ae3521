"""What can be configured for a recording."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from drivers._fields import Short, TimeOptions, known_kind, known_values
from gateway.options import Duration, PluginOptions, SitePath


def _speed(raw: Any) -> Any:
    return 0.0 if raw == "max" else raw


class CsvOptions(PluginOptions):
    """How the columns of a CSV file are read."""

    device: str = ""
    device_column: str = ""
    kind: str = ""
    values: dict[str, Short] = Field(min_length=1)
    time: TimeOptions | None = None
    every: Duration = Field(1.0, gt=0)
    key: str = ""
    delimiter: str = Field(",", min_length=1, max_length=1)

    _kind = field_validator("kind")(known_kind)
    _values = field_validator("values")(known_values)

    @model_validator(mode="after")
    def _one_device(self) -> CsvOptions:
        if bool(self.device) == bool(self.device_column):
            raise ValueError("write device: NAME or device_column: COLUMN, one of the two")
        return self


class Options(PluginOptions):
    """A recording."""

    path: SitePath
    speed: Annotated[float, BeforeValidator(_speed)] = Field(1.0, ge=0, allow_inf_nan=False)
    loop: bool = False
    start_at: Literal["now", "recorded"] = "now"
    csv: CsvOptions | None = None

    @model_validator(mode="after")
    def _mapped(self) -> Options:
        if self.path.suffix.lower() == ".csv" and self.csv is None:
            raise ValueError("a .csv recording needs csv: with values:")
        return self
