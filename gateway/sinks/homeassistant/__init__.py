"""Our devices for Home Assistant: announced by MQTT discovery, their values on state topics."""
