"""The demo: a scripted provider, the real daemon, and a screen to watch both."""
