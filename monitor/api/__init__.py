"""/api/v1: what the dashboard shows and programs ask, as typed JSON."""
