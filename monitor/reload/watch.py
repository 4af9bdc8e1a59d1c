"""When a file's new content may be read: once it stood still for one look. Pure."""


class Settling:
    """Looks at contents one after another, each given by its digest."""

    def __init__(self, known: bytes | None) -> None:
        """`known`: of the content that runs."""
        self._known = known
        self._seen = known

    def look(self, digest: bytes | None) -> bool:
        """Say whether there is a new content, whole.

        An editor that writes in two steps, or a file that is not there for a moment, is one look
        later something else or what it was.
        """
        stood_still, self._seen = digest == self._seen, digest
        return stood_still and self.is_new(digest)

    def is_new(self, digest: bytes | None) -> bool:
        """Say whether there is a content that was not read yet, whole or not."""
        return digest is not None and digest != self._known

    def tried(self, digest: bytes | None) -> None:
        """Note which content was read, be it for good or in vain: it is not read again by itself.

        None: it could not be read.
        """
        self._known = self._seen = digest
