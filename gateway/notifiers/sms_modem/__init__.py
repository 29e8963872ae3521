"""Tells a person by a text message through a modem of this gateway: no internet needed."""
