"""What a LoRaWAN uplink's bytes mean, whichever network server they came through."""
