"""YAML -> typed settings; every error at once with file:line:column and the nearest known name."""

from gateway.config.load import load
from gateway.config.settings import Configured, Settings
from gateway.config.summary import summary

__all__ = ["Configured", "Settings", "load", "summary"]
