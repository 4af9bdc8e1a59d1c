"""What every reader of a polled document raises."""


class UnreadableError(ValueError):
    """The document is not what it should be. The message is ours, and holds no text of theirs."""
