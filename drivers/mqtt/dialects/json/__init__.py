"""JSON objects on any topics, mapped by declaration."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("任意主题上的 JSON,按声明映射", "JSON on any topic, mapped by declaration")
LEVEL: Final = "sturdy"
