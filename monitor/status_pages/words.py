"""What an alert says of the provider's own word."""

from monitor.config.durations import format_duration
from monitor.status_pages.page import PageState, Reading


def report(reading: Reading, age_s: float | None) -> str:
    """Return one line for people: what the provider reports, and how old that is.

    `age_s` is None for a page that could never be read.
    """
    if reading.state is PageState.UNKNOWN or age_s is None:
        return "provider reports: unknown, its status page cannot be read"
    read = f"status page read {format_duration(float(max(1, round(age_s))))} ago"
    if reading.state is PageState.OPERATIONAL:
        if not reading.incident:
            return f"provider reports no incident ({read})"
        return f"provider reports: operational, and an incident “{reading.incident}” ({read})"
    titled = f": “{reading.incident}”" if reading.incident else ""
    return f"provider reports: {reading.state.value}{titled} ({read})"
