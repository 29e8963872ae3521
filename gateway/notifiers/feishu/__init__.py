"""Tells a person through a custom bot of Feishu or Lark (飞书自定义机器人)."""
