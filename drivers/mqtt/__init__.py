"""MQTT: readings published on a broker, in declared or well-known dialects."""
