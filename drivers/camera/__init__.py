"""Motion in a video file or an RTSP stream, watched by a process of its own."""
