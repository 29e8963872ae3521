"""Motion in a video file or an RTSP stream, watched by a process of its own."""

from typing import Final

from gateway.model import Text

ABOUT: Final = Text("视频文件或 RTSP 摄像头的移动侦测", "motion in a video file or an RTSP stream")
LEVEL: Final = "sturdy"
