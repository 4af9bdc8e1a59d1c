"""What property tests compare of readings."""

from dataclasses import replace

from probes.reading import Reading


def timeless(reading: Reading) -> Reading:
    """Keep whether a time was seen, not which."""
    return replace(
        reading,
        first_token_s=None if reading.first_token_s is None else 0.0,
        first_visible_token_s=None if reading.first_visible_token_s is None else 0.0,
        last_token_s=None if reading.last_token_s is None else 0.0,
        ended_s=None,
    )
