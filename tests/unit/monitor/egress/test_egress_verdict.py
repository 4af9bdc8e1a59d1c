"""What a round of endpoints says about our own way out."""

from itertools import product

import pytest

from monitor.egress.endpoint import parse_endpoint
from monitor.egress.verdict import Contact, Way, known, way

ADDRESS, NAME, OTHER = map(parse_endpoint, ("1.1.1.1:443", "a.example:443", "b.example:443"))
ALL = (ADDRESS, NAME, OTHER)


@pytest.mark.parametrize(
    ("contacts", "expected"),
    [
        ((Contact.REACHED, Contact.REACHED, Contact.REACHED), Way.OPEN),
        ((Contact.SILENT, Contact.REACHED, Contact.SILENT), Way.OPEN),
        ((Contact.REACHED, Contact.SILENT, Contact.NO_NAME), Way.OPEN),
        ((Contact.REACHED, Contact.NO_NAME, Contact.NO_NAME), Way.NAMELESS),
        ((Contact.SILENT, Contact.NO_NAME, Contact.NO_NAME), Way.SHUT),
        ((Contact.SILENT, Contact.SILENT, Contact.SILENT), Way.SHUT),
        ((Contact.NO_ROUTE, Contact.NO_NAME, Contact.NO_NAME), Way.UNROUTED),
    ],
)
def test_the_meaning_of_a_round(contacts: tuple[Contact, ...], expected: Way) -> None:
    """One endpoint that answers opens the way; without a name that resolves it is nameless."""
    assert way(dict(zip(ALL, contacts, strict=True))) is expected
    assert expected.failing is (expected is not Way.OPEN)


def test_nothing_asked_is_nothing_known() -> None:
    """An empty round is unknown, and unknown is no failure."""
    assert way({}) is Way.UNKNOWN
    assert not Way.UNKNOWN.failing
    assert known({}, ALL) is None


def test_addresses_alone_cannot_be_nameless() -> None:
    """Where no endpoint has a name, nothing is said of names."""
    assert way({ADDRESS: Contact.REACHED}) is Way.OPEN
    assert known({ADDRESS: Contact.REACHED}, (ADDRESS, parse_endpoint("9.9.9.9:1"))) is Way.OPEN


@pytest.mark.parametrize("contacts", list(product(Contact, repeat=3)))
def test_what_is_known_early_is_what_the_whole_round_says(contacts: tuple[Contact, ...]) -> None:
    """No endpoint that answers later can overturn what was concluded without it."""
    whole = dict(zip(ALL, contacts, strict=True))
    told = [known(dict(list(whole.items())[:n]), ALL) for n in range(1, 4)]
    assert {each for each in told if each is not None} == {way(whole)}
