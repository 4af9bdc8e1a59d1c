"""Whose network: whether our own way out works, and what that says of failed probes."""
