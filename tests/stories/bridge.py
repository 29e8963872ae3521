"""A house whose one driver reads several dialects of a real broker."""

from __future__ import annotations

from tests.stories.house import House

_DRIVER = """
  radio:
    type: mqtt
    port: {port}
    dialects:
{dialects}
"""


async def listening(house: House, port: int, dialects: str, devices: str = "") -> None:
    """Start ``house`` with ``dialects`` (YAML, lines as ``- json: {}``); the broker knows it then.

    ``devices`` are rows of the registry; the driver is called ``radio``.
    """
    lines = "\n".join(f"      {line}" for line in dialects.strip().splitlines())
    house.write(drivers=_DRIVER.format(port=port, dialects=lines), devices=devices)
    await house.start()
    await house.until(lambda: house.said("connected"))


async def again(house: House) -> None:
    """Start ``house`` once more; its driver is connected then."""
    await house.start()
    await house.until(lambda: house.said("connected"))
