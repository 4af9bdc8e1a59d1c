"""Taking up a changed configuration while the daemon runs."""
