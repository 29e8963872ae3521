"""A camera: motion in its pictures, its own ONVIF events, and whether it sees at all."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text(
    "摄像头：RTSP、视频文件或 USB 的移动侦测，ONVIF 事件，遮挡与失明告警，事件前后短片",
    "a camera: motion in RTSP, files or USB, ONVIF events, covered or blind, films of events",
)
LEVEL: Final = "sturdy"
