"""Expected alerts for results that are written down: `sonde rules test`."""
