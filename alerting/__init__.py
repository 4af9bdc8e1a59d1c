"""Summaries to rules to states to notifications."""
