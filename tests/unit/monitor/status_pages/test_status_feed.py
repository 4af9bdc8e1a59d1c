"""Incident feeds: RSS, Atom, and XML that means harm."""

import pytest

from monitor.polled.unreadable import UnreadableError
from monitor.status_pages.feed import parse_feed
from monitor.status_pages.page import MOST, Incident, Page, PageState

AT = 1_795_255_200.0
"""Sat, 21 Nov 2026 10:00:00 UTC."""


def rss(*items: str) -> bytes:
    """Return an RSS feed of these items."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>Status</title>'
        + "".join(f"<item>{item}</item>" for item in items)
        + "</channel></rss>"
    ).encode()


def test_a_feed_without_items_says_that_nothing_goes_on() -> None:
    """Of the whole it says nothing: a feed knows no components."""
    assert parse_feed(rss()) == Page(PageState.UNKNOWN)


def test_a_feed_with_the_component_in_brackets() -> None:
    """As xAI writes them: component, status and severity, each in its place."""
    found = parse_feed(
        rss(
            "<title>[API (us-east-1)] Elevated error rates</title>"
            "<category>disruption</category><category>investigating</category>"
            "<description>&lt;h3&gt;Status: Investigating&lt;/h3&gt;"
            "&lt;p&gt;Severity: disruption&lt;/p&gt;</description>"
            "<pubDate>Sat, 21 Nov 2026 10:00:00 GMT</pubDate>",
            "<title>[API (us-east-1)] Older</title><category>available</category>"
            "<category>resolved</category><description><![CDATA[<h3>Status: Resolved</h3>]]>"
            "</description><pubDate>Fri, 20 Nov 2026 10:00:00 GMT</pubDate>",
        )
    )
    expected = Incident(
        "Elevated error rates", PageState.DEGRADED, ("API (us-east-1)",), pytest.approx(AT)
    )
    assert found.incidents == (expected,)


@pytest.mark.parametrize(
    ("words", "going_on"),
    [
        ("<b>Investigating</b> - we look into it", True),
        ("<b>Resolved</b> - it is over.<br/><b>Investigating</b> - we look", False),
        ("<b>Monitoring</b> - a fix is in. <b>Identified</b> - found", True),
        ("<b>Completed</b> - done. <b>Scheduled</b> - later", False),
        ("<b>Scheduled</b> - tomorrow", False),
        ("<b>In progress</b> - now. <b>Scheduled</b> - later", True),
        ("no word of the kind", True),
    ],
)
def test_the_newest_word_decides(words: str, going_on: bool) -> None:
    """Feeds of status pages put the newest update first."""
    item = f"<title>Errors</title><description><![CDATA[{words}]]></description>"
    assert bool(parse_feed(rss(item)).incidents) is going_on


@pytest.mark.parametrize(
    ("title", "state"),
    [
        ("Major outage of the API", PageState.OUTAGE),
        ("API unavailable", PageState.OUTAGE),
        ("Partial outage", PageState.DEGRADED),
        ("Slow answers", PageState.DEGRADED),
        ("Scheduled database maintenance, in progress", PageState.MAINTENANCE),
    ],
)
def test_how_bad_it_is_stands_in_the_title(title: str, state: PageState) -> None:
    """Words of an outage make one; anything else that goes on is a degradation."""
    item = f"<title>{title}</title><category>monitoring</category>"
    assert [each.state for each in parse_feed(rss(item)).incidents] == [state]


def test_atom_with_its_own_names() -> None:
    """Entries, terms of categories, content as markup, and the newer of two dates."""
    raw = b"""<feed xmlns="http://www.w3.org/2005/Atom"><title>Status</title>
      <entry><title type="html">Errors</title><category term="minor"/>
      <published>2026-11-21T08:00:00Z</published><updated>2026-11-21T11:00:00+01:00</updated>
      <content type="html">&lt;p&gt;Investigating&lt;/p&gt;</content></entry>
      <entry><title>Past</title><category term="resolved"/></entry></feed>"""
    expected = Incident("Errors", PageState.DEGRADED, (), pytest.approx(AT))
    assert parse_feed(raw).incidents == (expected,)


@pytest.mark.parametrize("date", ["", "soon", "Sat, 99 Nov 99999 10:00:00 GMT", "9999-99-99"])
def test_a_date_nobody_can_read_is_long_ago(date: str) -> None:
    """An item without a time cannot go on for ever."""
    found = parse_feed(rss(f"<title>x</title><pubDate>{date}</pubDate>"))
    assert [incident.at for incident in found.incidents] == [0.0]


def test_an_item_with_nothing_in_it() -> None:
    """Emptiness is an incident without words, and without a time: it counts as over."""
    assert parse_feed(rss("")).incidents == (Incident("", PageState.DEGRADED, (), 0.0),)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">'
    + b"".join(b'<!ENTITY a%d "%s">' % (n, b"&a;" * 10) for n in range(10))
    + b"]><rss><channel><item><title>&a9;</title></item></channel></rss>"
)


@pytest.mark.parametrize(
    "raw",
    [
        LAUGHS,
        b'<!DOCTYPE rss SYSTEM "http://127.0.0.1:1/x.dtd"><rss></rss>',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><rss>&f;</rss>',
        b"<!DOCTYPE html><html></html>",
        b"<html><body>Just a moment</body></html>",
        b"<rss><item><title>&undeclared;</title></item></rss>",
        b"<rss>",
        b"<rss></rss><rss></rss>",
        b"not xml",
        b"",
        b'<?xml version="1.0" encoding="klingon"?><rss></rss>',
    ],
)
def test_what_is_no_feed_or_means_harm(raw: bytes) -> None:
    """A document type is refused unread, and with it every entity; so is what is no feed."""
    with pytest.raises(UnreadableError):
        parse_feed(raw)


def test_a_feed_without_end_is_read_as_far_as_it_is_new() -> None:
    """Feeds begin with the newest: what lies behind the first five hundred is not looked at."""
    raw = rss(*(f"<title>{number}</title>" for number in range(MOST)))
    assert len(parse_feed(raw).incidents) == MOST
    longer = raw.replace(b"</channel></rss>", b"<item><title>last</title></item> and no more")
    assert [each.title for each in parse_feed(longer).incidents][-1] == str(MOST - 1)


def test_depth_is_no_way_to_break_it() -> None:
    """As deep as a megabyte can be: read, in memory that does not multiply."""
    deep = 100_000
    raw = b"<rss>" + b"<a>" * deep + b"</a>" * deep + b"</rss>"
    assert parse_feed(raw) == Page(PageState.UNKNOWN)
