"""An OpenAI-compatible provider in a process of its own, with scripted incidents.

`python -m monitor.simulator --help` says how to start it.
"""
