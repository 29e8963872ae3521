"""The homeassistant dialect: templates, announcements, states, and a real broker."""
