"""Tells a person by a text message through Aliyun (阿里云短信服务)."""
