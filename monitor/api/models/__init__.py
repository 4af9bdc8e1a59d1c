"""The shapes of /api/v1, in and out. Times are seconds since the epoch, durations seconds."""
