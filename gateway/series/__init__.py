"""What happened to cases, and what the gateway knows of itself, as points for sinks."""
