"""Whom we believe where it is not about probes: endpoints of our way out, others' documents."""

import ssl

import structlog

from probes.wire.trust import NoRootsError, client_context

log = structlog.get_logger("sonde.trust")


def trusted() -> ssl.SSLContext:
    """Return a verifying context on the operating system's roots; blocks for about 20 ms.

    On a machine without roots it believes nobody: every https there fails, and is said to.
    """
    try:
        return client_context()
    except NoRootsError as error:
        log.error("trust.no_roots", error=str(error))
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
