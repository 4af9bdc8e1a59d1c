"""What one round of asking every endpoint says about our own way out. Values and a time only."""

from collections.abc import Mapping, Sequence
from enum import StrEnum

from monitor.egress.endpoint import Endpoint


class Contact(StrEnum):
    """How asking one endpoint ended."""

    REACHED = "reached"
    NO_NAME = "no_name"
    """Its name could not be resolved."""
    NO_ROUTE = "no_route"
    """This machine itself has no way there: no interface, no address or no route."""
    SILENT = "silent"
    """Refused, reset, a wrong certificate, or no answer in time."""


class Way(StrEnum):
    """Our way out, as of one round."""

    UNKNOWN = "unknown"
    """Nothing was asked yet, or nothing here was ever reachable: then nothing is concluded."""
    OPEN = "open"
    NAMELESS = "nameless"
    """Addresses answer and not one name resolves: our resolver is down."""
    SHUT = "shut"
    """No endpoint answers."""
    UNROUTED = "unrouted"
    """No endpoint answers, and this machine says itself that it has no route."""

    @property
    def failing(self) -> bool:
        """Whether probes fail for a reason on our side."""
        return self in (Way.NAMELESS, Way.SHUT, Way.UNROUTED)


def way(contacts: Mapping[Endpoint, Contact]) -> Way:
    """Say what a whole round means."""
    if not contacts:
        return Way.UNKNOWN
    found: Sequence[Contact] = tuple(contacts.values())
    if Contact.REACHED in found:
        names = [contact for endpoint, contact in contacts.items() if endpoint.named]
        lost = bool(names) and all(contact is Contact.NO_NAME for contact in names)
        return Way.NAMELESS if lost else Way.OPEN
    return Way.UNROUTED if Contact.NO_ROUTE in found else Way.SHUT


def known(contacts: Mapping[Endpoint, Contact], endpoints: Sequence[Endpoint]) -> Way | None:
    """Say what a round means as soon as those who have not answered yet cannot change it."""
    reached = [endpoint for endpoint, contact in contacts.items() if contact is Contact.REACHED]
    named = [endpoint for endpoint in endpoints if endpoint.named]
    if any(endpoint.named for endpoint in reached) or (reached and not named):
        return Way.OPEN
    return way(contacts) if len(contacts) == len(endpoints) else None
