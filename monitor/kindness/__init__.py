"""Not asking more of a provider than it bears, nor when asking is in vain."""
