"""The wire: one request over stamping sockets, and an exact record of when what happened."""
