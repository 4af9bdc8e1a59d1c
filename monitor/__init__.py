"""Composition: configuration, schedule, daemon, serving, command line."""
