"""Our devices for Sparkplug B hosts: this gateway is an edge node, its sensors are devices."""
