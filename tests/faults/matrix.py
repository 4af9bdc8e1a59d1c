"""Every fault, how it is met, and what must come of it: the one table.

Each row is met over real sockets by the real prober, once for every way of asking. docs/faults.md
is written from a run of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from probes.hints import Hint
from probes.result import Fault, Verdict
from tests.faults import breaking, flooding, places, saying, waiting
from tests.faults.asked import ALL, CHATS, JSON, STREAMS, Asked
from tests.faults.places import PlaceOf, at, secured, served
from tests.integration import faults
from tests.integration.fault_server import DONE, Handler, event


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One fault."""

    name: str
    at: PlaceOf
    verdict: Verdict
    fault: Fault = Fault.PROVIDER
    asked: tuple[Asked, ...] = ALL
    waits: bool = False
    """Whether it ends at a deadline of ours."""
    requests: int = 1
    """How many requests the server must have seen."""
    says: str = ""
    """What must be in the detail."""
    hint: Hint | None = None
    """What a person must be told; None: whatever is true in general."""
    behaviour: Handler | None = None
    """What the server does, where it is a plain HTTP server."""


def _row(
    name: str,
    behaviour: Handler,
    verdict: Verdict,
    asked: tuple[Asked, ...] = ALL,
    *,
    fault: Fault = Fault.PROVIDER,
    says: str = "",
    hint: Hint | None = None,
) -> Row:
    """Build a row of a plain HTTP server with this behaviour."""
    return Row(
        name=name,
        at=served(behaviour),
        behaviour=behaviour,
        verdict=verdict,
        fault=fault,
        asked=asked,
        waits=verdict is Verdict.TIMEOUT,
        says=says,
        hint=hint,
    )


def _elsewhere(
    name: str,
    place: PlaceOf,
    verdict: Verdict,
    asked: tuple[Asked, ...] = (Asked.PLAIN,),
    *,
    fault: Fault = Fault.PROVIDER,
    requests: int = 0,
    says: str = "",
    hint: Hint | None = None,
) -> Row:
    """Build a row of another place: by default one where no request arrives."""
    return Row(
        name=name,
        at=place,
        verdict=verdict,
        fault=fault,
        asked=asked,
        waits=verdict is Verdict.TIMEOUT,
        requests=requests,
        says=says,
        hint=hint,
    )


OK, TIMEOUT, PROTOCOL = Verdict.OK, Verdict.TIMEOUT, Verdict.PROTOCOL_ERROR
TRUNCATED, RESET, TLS, OVERSIZED = (
    Verdict.TRUNCATED, Verdict.RESET, Verdict.TLS_ERROR, Verdict.OVERSIZED,
)  # fmt: skip
ACCOUNT, REQUEST = Fault.ACCOUNT, Fault.REQUEST

CONNECTING: Final = (
    _elsewhere("name that does not exist", at("http://nobody.invalid/v1"), Verdict.DNS_ERROR),
    _elsewhere("name that cannot be", at(f"http://{'x' * 64}.example/v1"), Verdict.DNS_ERROR),
    _elsewhere(
        "address that cannot be asked",
        at("ftp://127.0.0.1/v1"),
        Verdict.MONITOR_ERROR,
        fault=Fault.MONITOR,
        says="base URL",
    ),
    _elsewhere(
        "connection refused",
        places.refused,
        Verdict.CONNECT_ERROR,
        says="refused",
        hint=Hint.CONNECT,
    ),
    _elsewhere(
        "connection never accepted",
        places.backlog_full,
        TIMEOUT,
        says="connecting",
        hint=Hint.UNANSWERED,
    ),
    _elsewhere("reset as soon as connected", places.reset_at_once, RESET),
    _elsewhere("closed as soon as connected", places.closed_at_once, RESET),
    _elsewhere("answer before the request", places.speaks_first, PROTOCOL),
)
TLS_ROWS: Final = (
    _elsewhere("TLS: no answer to our hello", places.tls_silent, TIMEOUT, says="handshake"),
    _elsewhere("TLS: handshake stops in the middle", places.tls_stalled, TIMEOUT),
    _elsewhere("TLS: handshake a byte at a time", places.tls_dripping, TIMEOUT),
    _elsewhere("TLS: closed during the handshake", places.tls_closed, TLS),
    _elsewhere("TLS: reset during the handshake", places.tls_reset, TLS),
    _elsewhere(
        "TLS: plain HTTP instead",
        places.tls_not_spoken,
        TLS,
        says="wrong version",
        hint=Hint.NO_TLS,
    ),
    _elsewhere(
        "TLS: certificate of ours wanted",
        places.tls_wants_certificate,
        TLS,
        hint=Hint.CLIENT_CERTIFICATE,
    ),
    _elsewhere(
        "TLS: certificate expired",
        secured(saying.good, lambda known: known.expired, lambda known: known.ca),
        TLS,
        says="expired",
        hint=Hint.EXPIRED,
    ),
    _elsewhere(
        "TLS: certificate of another host",
        secured(saying.good, lambda known: known.other_host, lambda known: known.other_host),
        TLS,
        says="not valid for",
        hint=Hint.OTHER_HOST,
    ),
    _elsewhere(
        "TLS: certificate self-signed",
        secured(saying.good, trusted=lambda known: known.ca),
        TLS,
        says="self-signed",
        hint=Hint.PRIVATE_CA,
    ),
    _elsewhere(
        "TLS: certificate of an unknown CA",
        secured(saying.good, lambda known: known.by_ca),
        TLS,
        says="issuer",
        hint=Hint.PRIVATE_CA,
    ),
    _elsewhere("TLS: no record after the handshake", secured(places.no_record), TLS, requests=1),
    _elsewhere(
        "TLS: damaged record in the body", secured(places.damaged_record), TLS, ALL, requests=1
    ),
    _elsewhere("TLS: answers stop", secured(waiting.stalled_body), TIMEOUT, ALL, requests=1),
    _elsewhere("TLS: answer cut", secured(breaking.cut_in_body), TRUNCATED, ALL, requests=1),
    _elsewhere("TLS: answer reset", secured(breaking.reset_in_body), RESET, ALL, requests=1),
)
WAITING: Final = (
    _row("no answer at all", faults.silent, TIMEOUT, says="for the"),
    _row("head stops in the middle", faults.half_a_head, TIMEOUT),
    _row("head a byte at a time", waiting.dripping_head, TIMEOUT),
    _row("head a line at a time", waiting.dripping_headers, TIMEOUT),
    _row("interim answers only, one at a time", waiting.dripping_interim, TIMEOUT),
    _row("body stops in the middle", waiting.stalled_body, TIMEOUT),
    _row("chunk stops in its size", waiting.stalled_chunk, TIMEOUT),
    _row("chunk of 2 GB announced, then silence", waiting.stalled_huge_chunk, TIMEOUT),
    _row("Content-Length too long, then silence", waiting.promised_more, TIMEOUT),
    _row("compressed body stops in the middle", waiting.stalled_gzip, TIMEOUT),
    _row("white space a byte at a time", waiting.dripping_body, TIMEOUT),
    _row("stream of blank lines", waiting.dripping_blank_lines, TIMEOUT, STREAMS),
    _row("event a byte at a time", waiting.dripping_event, TIMEOUT, STREAMS, says="first-token"),
    _row("keep-alive comments only", waiting.comments, TIMEOUT, STREAMS, says="first-token"),
    _row("chunks without text only", waiting.empty_deltas, TIMEOUT, STREAMS, says="first-token"),
    _row("a token, then comments", waiting.comments_after_a_token, TIMEOUT, STREAMS, says="idle"),
    _row("silence before [DONE]", waiting.stalled_before_done, TIMEOUT, STREAMS, says="idle"),
    _row("tokens without an end", waiting.endless_tokens, TIMEOUT, STREAMS, says="deadline of"),
)
BREAKING: Final = (
    _row("closed without an answer", faults.no_answer, RESET),
    _row("reset without an answer", faults.reset_at_once, RESET),
    _row("closed in the head", breaking.cut_in_head, RESET),
    _row("reset in the head", breaking.reset_in_head, RESET),
    _row("closed in the body", breaking.cut_in_body, TRUNCATED),
    _row("reset in the body", breaking.reset_in_body, RESET),
    _row("Content-Length too long, then closed", breaking.promised_more_and_cut, TRUNCATED),
    _row("Content-Length too short", breaking.promised_less, PROTOCOL, JSON),
    _row("Content-Length too short for the stream", breaking.promised_less, TRUNCATED, STREAMS),
    _row("HTTP/1.0, closed in the body", breaking.http_1_0_cut, PROTOCOL, JSON),
    _row("HTTP/1.0, closed in the stream", breaking.http_1_0_cut, TRUNCATED, STREAMS),
)
FRAMING: Final = (
    _row("another protocol", breaking.another_protocol, PROTOCOL),
    _row("HTTP/0.9", breaking.http_0_9, PROTOCOL),
    _row("status that is no number", breaking.no_status, PROTOCOL),
    _row("status that does not exist", breaking.odd_status, PROTOCOL),
    _row("protocol switched", breaking.switching, PROTOCOL, says="no final status"),
    _row("null in a header", breaking.null_in_header, PROTOCOL),
    _row("space before a header's colon", breaking.space_before_colon, PROTOCOL),
    _row("two different Content-Lengths", breaking.two_lengths, PROTOCOL),
    _row("negative Content-Length", breaking.negative_length, PROTOCOL),
    _row("Content-Length that is no number", breaking.length_no_number, PROTOCOL),
    _row("Content-Length and chunks", breaking.length_and_chunks, PROTOCOL),
    _row("unknown transfer coding", breaking.unknown_coding, PROTOCOL),
    _row("chunk size that is no number", breaking.bad_chunk_size, PROTOCOL),
    _row("negative chunk size", breaking.negative_chunk, PROTOCOL),
    _row("chunk size of forty digits", breaking.endless_chunk_number, PROTOCOL),
    _row("chunk longer than its size", breaking.longer_than_its_chunk, PROTOCOL),
)
FLOODING: Final = (
    _row("status line without an end", flooding.endless_status, PROTOCOL),
    _row("header without an end", flooding.endless_header, PROTOCOL),
    _row("headers without an end", flooding.endless_headers, PROTOCOL),
    _row("two thousand headers", flooding.header_flood, PROTOCOL),
    _row("interim answers without an end", flooding.endless_interim, OVERSIZED),
    _row("chunk extension without an end", flooding.endless_chunk_extension, PROTOCOL),
    _row("body without an end", flooding.endless_body, OVERSIZED),
    _row("body without an end, in chunks of a byte", flooding.bytewise_chunks, OVERSIZED),
    _row("event without an end", flooding.endless_line, OVERSIZED, STREAMS),
    _row("comment without an end", flooding.endless_comment, OVERSIZED, STREAMS),
    _row("blank lines without an end", flooding.flood_of_blank_lines, OVERSIZED, STREAMS),
    _row("tokens without an end, as fast as they go", flooding.flood_of_tokens, OVERSIZED, STREAMS),
    _row("gzip bomb", flooding.gzip_bomb, OVERSIZED),
    _row("gzip without an end", flooding.endless_gzip, OVERSIZED),
    _row("500 with a gzip bomb", flooding.gzip_bomb_of_an_error, Verdict.SERVER_ERROR),
    _row("500 without an end", flooding.endless_error, Verdict.SERVER_ERROR),
    _row("JSON of 100,000 levels", flooding.deeply_nested, PROTOCOL),
    _row("number of 100,000 digits", flooding.long_number, PROTOCOL),
)
SAYING: Final = (
    _row("200 with HTML", saying.body("<html>Busy!</html>", "text/html"), PROTOCOL,
         hint=Hint.HTML),
    _row("200 with HTML called what was asked for", saying.body("<html>"), PROTOCOL, JSON),
    _row("stream of HTML", saying.body("<html>"), TRUNCATED, STREAMS),
    _row("200 with another content type", saying.good_as("text/plain"), PROTOCOL),
    _row("200 without a content type", saying.good_as(""), PROTOCOL),
    _row("200 without a body", saying.body(""), Verdict.EMPTY, JSON),
    _row("200 without a body for a stream", saying.body(""), TRUNCATED, STREAMS),
    _row("204", saying.body("", "", "204 No Content"), PROTOCOL),
    _row("200 with null", saying.body("null"), PROTOCOL, JSON),
    _row("200 with a list", saying.body("[]"), PROTOCOL, JSON),
    _row("200 with text", saying.body('"OK"'), PROTOCOL, JSON),
    _row("200 with a number", saying.body("1"), PROTOCOL, JSON),
    _row("200 with an empty object", saying.body("{}"), PROTOCOL, JSON),
    _row("200 with half a JSON", saying.body('{"choices": ['), PROTOCOL, JSON),
    _row("200 with bytes that are no text", saying.body(b'{"choices": "\xff"}'), PROTOCOL, JSON),
    _row("200 with NaN", saying.body('{"choices": NaN, "data": NaN}'), PROTOCOL, JSON),
    _row("200 without choices", saying.body('{"choices": [], "data": []}'), Verdict.EMPTY, JSON),
    _row("200 with an error of load", saying.error_with_200("slow_down"), Verdict.THROTTLED),
    _row("200 with an error of money", saying.error_with_200("insufficient_quota"), Verdict.QUOTA,
         fault=ACCOUNT),
    _row("200 with error code 502", saying.error_with_200(502), Verdict.SERVER_ERROR),
    _row("200 with an error that says nothing", saying.error_with_200(None), PROTOCOL),
    _row("JSON instead of a stream", saying.good_as("application/json"), PROTOCOL, STREAMS),
    _row("damaged gzip", saying.gzip_damaged, PROTOCOL),
    _row("gzip without its end", saying.gzip_cut, TRUNCATED, JSON),
    _row("gzip of gzip", saying.gzip_twice, PROTOCOL),
    _row("brotli", saying.brotli, PROTOCOL),
    _row("another answer than expected", saying.wrong_answer, Verdict.CONTENT_MISMATCH, CHATS),
    _row("answer cut by our own token limit", saying.finishing("length", "Well"),
         Verdict.CONTENT_MISMATCH, CHATS, fault=REQUEST, hint=Hint.TOO_FEW_TOKENS),
    _row("tokens spent before any text", saying.finishing("length"), Verdict.EMPTY, CHATS,
         fault=REQUEST, hint=Hint.TOO_FEW_TOKENS),
    _row("answer without content", saying.finishing("stop"), Verdict.EMPTY, CHATS),
    _row("answer of white space", saying.finishing("stop", " \n"), Verdict.EMPTY, CHATS),
    _row("content filter", saying.finishing("content_filter", "O"), Verdict.REFUSED, CHATS,
         fault=REQUEST),
)  # fmt: skip
STREAMING: Final = (
    _row("[DONE] alone", saying.events(DONE), Verdict.EMPTY, STREAMS),
    _row("no event at all", saying.events(": nothing\n\n"), TRUNCATED, STREAMS),
    _row("no finish reason, no [DONE]", saying.events(event("OK")), TRUNCATED, STREAMS),
    _row("no finish reason", saying.events(event("OK") + DONE), PROTOCOL, STREAMS),
    _row("closed behind the finish reason, message open", breaking.cut_behind_finish,
         TRUNCATED, STREAMS),
    _row("error in the stream",
         saying.events(event("O"), 'data: {"error": {"message": "died"}}\n\n'),
         Verdict.STREAM_ERROR, STREAMS, says="died"),
    _row("error event in the stream",
         saying.events(event("O"), 'event: error\ndata: {"message": "died"}\n\n'),
         Verdict.STREAM_ERROR, STREAMS, says="died"),
    _row("error event that is no JSON", saying.events(event("O"), "event: error\ndata: died\n\n"),
         Verdict.STREAM_ERROR, STREAMS, says="died"),
    _row("error event without data", saying.events(event("O"), "event: error\n\n"),
         Verdict.STREAM_ERROR, STREAMS),
    _row("error of load in the stream",
         saying.events(event("O"), 'data: {"error": {"code": "rate_limit_exceeded"}}\n\n'),
         Verdict.THROTTLED, STREAMS),
    _row("error code 502 in the stream",
         saying.events(event("O"), 'data: {"error": {"code": 502, "message": "x"}}\n\n'),
         Verdict.SERVER_ERROR, STREAMS),
    _row("error in a choice",
         saying.events('data: {"choices": [{"error": {"message": "died"}}]}\n\n'),
         Verdict.STREAM_ERROR, STREAMS),
    _row("event that is no JSON", saying.events(event("O"), "data: {oops\n\n"), PROTOCOL, STREAMS),
    _row("event that is null", saying.events(event("O"), "data: null\n\n"), PROTOCOL, STREAMS),
    _row("event that is a list", saying.events(event("O"), "data: []\n\n"), PROTOCOL, STREAMS),
    _row("event in the middle of which the stream ends",
         saying.events(event("OK") + 'data: {"choices": ['), TRUNCATED, STREAMS),
)  # fmt: skip
REFUSING: Final = (
    _row("400 for a parameter", saying.error("400 Bad Request", "unsupported_parameter"),
         Verdict.INVALID_REQUEST, fault=REQUEST),
    _row("400 for a bad key, as at xAI",
         saying.error("400 Bad Request", None, "Incorrect API key provided: xai-x"),
         Verdict.AUTH, fault=ACCOUNT),
    _row("401", saying.error("401 Unauthorized", "invalid_api_key"), Verdict.AUTH, fault=ACCOUNT),
    _row("402", saying.error("402 Payment Required", 402), Verdict.QUOTA, fault=ACCOUNT),
    _row("403", saying.error("403 Forbidden"), Verdict.FORBIDDEN, fault=ACCOUNT),
    _row("404 for the model", saying.error("404 Not Found", "model_not_found"),
         Verdict.MODEL_NOT_FOUND, fault=REQUEST),
    _row("404 for the address", saying.body("not found", "text/plain", "404 Not Found"),
         Verdict.INVALID_REQUEST, fault=REQUEST, hint=Hint.PATH),
    _row("408", saying.error("408 Request Timeout"), Verdict.SERVER_ERROR),
    _row("413", saying.error("413 Content Too Large"), Verdict.INVALID_REQUEST, fault=REQUEST),
    _row("429 for load", saying.error("429 Too Many Requests", "rate_limit_exceeded"),
         Verdict.THROTTLED),
    _row("429 at our own limit",
         saying.error("429 Too Many Requests", "rate_limit_exceeded",
                      x_ratelimit_remaining_requests="0"), Verdict.THROTTLED, fault=ACCOUNT),
    _row("429 for money", saying.error("429 Too Many Requests", "insufficient_quota"),
         Verdict.QUOTA, fault=ACCOUNT, hint=Hint.SPEND_LIMIT),
    _row("500", saying.error("500 Internal Server Error"), Verdict.SERVER_ERROR),
    _row("502 with HTML", saying.body("<html>Bad Gateway", "text/html", "502 Bad Gateway"),
         Verdict.SERVER_ERROR),
    _row("503", saying.error("503 Service Unavailable"), Verdict.OVERLOADED),
    Row(name="503 whose reason stops in the middle", at=served(waiting.error_that_stalls),
        verdict=Verdict.OVERLOADED, waits=True, says="overloaded,"),
    _row("529", saying.error("529 Overloaded"), Verdict.OVERLOADED),
    _elsewhere("redirect to another origin", places.redirecting, Verdict.REDIRECTED, ALL,
               requests=1, says="127.0.0.1", hint=Hint.REDIRECT),
    _row("304", saying.body("", "", "304 Not Modified"), Verdict.REDIRECTED),
)  # fmt: skip
NO_FAULTS: Final = tuple(
    _row(name, behaviour, OK, asked, fault=Fault.NONE)
    for name, behaviour, asked in (
        ("good answer", saying.good, ALL),
        ("good answer in forty slow pieces", waiting.slow_but_good, ALL),
        ("good answer in chunks of a byte", saying.split_at_every_byte, ALL),
        ("interim answers before the good one", waiting.interim_then_good, ALL),
        ("HTTP/1.0", breaking.http_1_0, ALL),
        ("end told by closing", breaking.no_framing, ALL),
        ("lines ended by LF alone", breaking.line_feeds_only, ALL),
        ("a header twice", breaking.same_header_twice, ALL),
        ("trailers", breaking.trailers, ALL),
        ("bad trailer", breaking.bad_trailer, STREAMS),
        ("chunk extensions", breaking.chunk_extensions, ALL),
        ("garbage behind the message", breaking.garbage_behind, ALL),
        ("gzip though nobody asked", saying.gzipped, ALL),
        ("deflate though nobody asked", saying.deflated, ALL),
        ("raw deflate though nobody asked", saying.raw_deflated, ALL),
        ("comments between the tokens", saying.comments_between, STREAMS),
        ("stream with CR line ends", saying.carriage_returns, STREAMS),
        ("no [DONE] behind the finish reason", saying.events(event("OK"), event(finish="stop")),
         STREAMS),
        ("open message behind [DONE]", saying.lingering, STREAMS),
        ("flood behind [DONE]", flooding.flood_behind_the_end, STREAMS),
    )
)  # fmt: skip
SLOW_TLS: Final = _elsewhere("TLS: slow handshake", places.tls_slow, OK, fault=Fault.NONE)

MATRIX: Final[Mapping[str, tuple[Row, ...]]] = {
    "Connecting": CONNECTING,
    "TLS": TLS_ROWS,
    "Waiting": WAITING,
    "Cut and reset": BREAKING,
    "Not HTTP": FRAMING,
    "Too much": FLOODING,
    "Refused": REFUSING,
    "Something else than asked for": SAYING,
    "Streams": STREAMING,
    "No fault at all": (*NO_FAULTS, SLOW_TLS),
}
"""Rows by the heading they stand under."""
ROWS: Final = tuple(row for rows in MATRIX.values() for row in rows)
