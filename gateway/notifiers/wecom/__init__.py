"""Tells a person through a group robot of WeCom (企业微信群机器人)."""
