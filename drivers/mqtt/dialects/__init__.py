"""Ways of writing readings into topics and payloads: one folder per dialect."""
