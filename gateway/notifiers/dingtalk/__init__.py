"""Tells a person through a custom robot of DingTalk (钉钉自定义机器人)."""
