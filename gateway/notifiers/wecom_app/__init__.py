"""Tells a person through an application of WeCom (企业微信应用消息)."""
