"""`confirm:` of a target and of `defaults:` to the value attempts are made by."""

from typing import Final

from monitor.config.models import ConfirmSection
from probes.target import Confirm

_BUILT_IN: Final = Confirm()


def compile_confirm(own: ConfirmSection, common: ConfirmSection) -> Confirm:
    """Return what holds for a target: key by key its own word, that of `defaults:`, or Sonde's."""
    attempts = next((n for n in (own.attempts, common.attempts) if n is not None), None)
    backoff = own.backoff or common.backoff
    throttled_s = own.throttled or common.throttled
    return Confirm(
        attempts=_BUILT_IN.attempts if attempts is None else attempts,
        backoff_s=_BUILT_IN.backoff_s if backoff is None else tuple(backoff),
        throttled_s=_BUILT_IN.throttled_s if throttled_s is None else throttled_s,
    )
