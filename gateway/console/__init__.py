"""The web pages and the HTTP API: what people and programs see of this gateway."""
