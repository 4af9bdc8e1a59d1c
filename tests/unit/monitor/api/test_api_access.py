"""Who comes in, and who is slowed down, without a socket."""

from pathlib import Path

import pytest
from fastapi import Request
from structlog.testing import capture_logs

from monitor.api.access import ADDRESSES, WRONG_AT_MOST, WRONG_WITHIN_S, Access, Denial, Door
from probes.secret import Secret, SecretSource

TOKEN = "door-token-0123456789"
WIDE = Access("0.0.0.0", SecretSource(Secret(TOKEN)), "https://sonde.example.com")
NEAR = Access("127.0.0.1", None, "https://Sonde.example.com:443/")


def request(method: str = "GET", client: str | None = "10.0.0.1", **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    known = None if client is None else (client, 1)
    scope = {"type": "http", "method": method, "path": "/", "headers": raw, "client": known}
    return Request(scope)


class Story:
    """A door whose clock stands until it is moved."""

    def __init__(self, access: Access = WIDE) -> None:
        self.now = 1000.0
        self.wrong = 0
        self._guess = 0
        self.door = Door(access, lambda: self.now, self._count)

    def _count(self) -> None:
        self.wrong += 1

    def status(self, client: str | None = "10.0.0.1", token: str = "", **headers: str) -> int:
        """Ask with a token; without one, with a guess that nobody made before."""
        self._guess += 1
        given = f"Bearer {token or self._guess}"
        denial = self.door.denial(request(client=client, authorization=given, **headers))
        return 200 if denial is None else denial.status


def test_wrong_tokens_slow_down_their_address_alone() -> None:
    """Ten are looked at in a minute; others, and the same one later, get in with the right one."""
    story = Story()
    assert [story.status() for _ in range(WRONG_AT_MOST + 2)] == [401] * WRONG_AT_MOST + [429] * 2
    assert story.wrong == WRONG_AT_MOST
    assert story.status(token=TOKEN) == 429
    assert story.status("10.0.0.2", TOKEN) == 200
    story.now += WRONG_WITHIN_S
    assert story.status(token=TOKEN) == 200


def test_the_same_wrong_token_is_one_guess() -> None:
    """A page whose token was changed goes on asking; it must not shut out who has the new one."""
    story = Story()
    assert {story.status(token="old") for _ in range(3 * WRONG_AT_MOST)} == {401}
    assert story.wrong == 3 * WRONG_AT_MOST
    assert story.status(token=TOKEN) == 200


def test_nobody_is_shut_out_by_a_stranger_from_the_same_address() -> None:
    """With a token too long to guess; behind an ingress everybody has one address."""
    strong = "0123456789abcdef" * 2
    story = Story(Access("0.0.0.0", SecretSource(Secret(strong))))
    found = [story.status() for _ in range(WRONG_AT_MOST + 2)]
    assert found[-2:] == [429, 429]
    assert story.status(token=strong) == 200
    assert story.status(token=strong[:-1]) == 429


def test_a_token_that_cannot_be_read_lets_nobody_in(tmp_path: Path) -> None:
    """It is told in the log, once, and not to whoever asks: the path is nobody's business."""
    file = tmp_path / "token"
    story = Story(Access("0.0.0.0", SecretSource(path=file)))
    with capture_logs() as logged:
        for _ in range(3):
            denial = story.door.denial(request(authorization="Bearer x"))
            assert denial is not None
            assert (denial.status, str(tmp_path) in denial.detail) == (503, False)
        file.write_text(" \n")
        assert story.status(token="x") == 503
        file.write_text(TOKEN)
        assert story.status(token=TOKEN) == 200
    assert [str(file) in each["error"] for each in logged] == [True, True]


def test_one_guess_more_each_time_one_is_old() -> None:
    """It is ten in any minute, not ten and then none for ever."""
    story = Story()
    for _ in range(WRONG_AT_MOST):
        story.status()
        story.now += 1.0
    assert story.status() == 429
    story.now += WRONG_WITHIN_S - WRONG_AT_MOST
    assert story.status() == 401
    assert story.status() == 429


def test_no_token_is_no_guess() -> None:
    """A browser that has not been asked yet is asked, however often it comes."""
    story = Story()
    denials = [story.door.denial(request()) for _ in range(3 * WRONG_AT_MOST)]
    assert {denial.status for denial in denials if denial} == {401}
    assert (len(denials), story.wrong) == (3 * WRONG_AT_MOST, 0)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"),
        ("::ffff:10.0.0.9", "10.0.0.9"),
        ("somewhere", "somewhere"),
        (None, None),
    ],
)
def test_an_owner_of_many_addresses_is_one(one: str | None, other: str | None) -> None:
    """All of a /64, and an IPv4 address in either writing."""
    story = Story()
    for _ in range(WRONG_AT_MOST):
        story.status(one)
    assert story.status(other) == 429
    assert story.status("2001:db8:0:2::1") == 401


def test_only_so_many_addresses_are_remembered() -> None:
    """Somebody with very many costs no more memory; those that came last are known."""
    story = Story()
    for _ in range(WRONG_AT_MOST):
        story.status("10.0.0.1")
    for number in range(ADDRESSES):
        story.status(f"10.1.{number // 250}.{number % 250}")
    assert story.status("10.0.0.1") == 401


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://localhost:8000", "localhost:8000", True),
        ("https://localhost:8000", "localhost:8000", True),
        ("https://sonde.example.com", "127.0.0.1:8000", True),
        ("https://sonde.example.com:443", "127.0.0.1:8000", True),
        ("https://sonde.example.com:8443", "127.0.0.1:8000", False),
        ("https://sonde.example.com:x", "127.0.0.1:8000", False),
        ("http://sonde.example.com", "127.0.0.1:8000", False),
        ("http://localhost:8001", "localhost:8000", False),
        ("null", "", False),
        ("null", "null", False),
        ("", "", False),
    ],
)
def test_which_origin_is_ours(origin: str, host: str, own: bool) -> None:
    """What Host says, or the proxy's whole origin; `null` is nobody's."""
    assert NEAR.own(origin, host) is own


def test_a_write_without_a_body_needs_no_content_type() -> None:
    """Ending a silence sends none; the header that marks a write it needs all the same."""
    door = Story(NEAR).door
    marked = request("DELETE", x_sonde_write="1")
    assert door.write_denial(marked) is None
    assert door.write_denial(request("DELETE")) == Denial(
        403, "Writes need the header X-Sonde-Write: 1."
    )


def test_a_body_of_unknown_length_needs_one() -> None:
    """Sent in chunks it is still a body, and not JSON by silence."""
    chunked = request("POST", x_sonde_write="1", transfer_encoding="chunked")
    denial = Story(NEAR).door.write_denial(chunked)
    assert denial is not None
    assert denial.status == 415


@pytest.mark.parametrize(
    ("access", "client", "who"),
    [
        (NEAR, "127.0.0.1", "loopback 127.0.0.1"),
        (NEAR, "::1", "loopback ::1"),
        (WIDE, "10.0.0.1", "token 10.0.0.1"),
        (WIDE, None, "token "),
        (Access("::1", None), "::1", "loopback ::1"),
    ],
)
def test_who_it_was(access: Access, client: str | None, who: str) -> None:
    """How somebody came in, and from where: what the audit log says."""
    assert Story(access).door.who(request(client=client)) == who


@pytest.mark.parametrize(
    ("access", "client", "said", "address"),
    [
        (WIDE, "127.0.0.1", "203.0.113.9", "203.0.113.9"),
        (WIDE, "::1", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        (WIDE, "127.0.0.1", "2001:db8::1", "2001:db8::/64"),
        (WIDE, "127.0.0.1", "<script>", "127.0.0.1"),
        (WIDE, "127.0.0.1", "203.0.113.9, unknown", "127.0.0.1"),
        (WIDE, "127.0.0.1", "", "127.0.0.1"),
        (WIDE, "10.0.0.1", "203.0.113.9", "10.0.0.1"),
        (Access("127.0.0.1", None), "127.0.0.1", "203.0.113.9", "127.0.0.1"),
    ],
)
def test_whom_we_believe_about_an_address(
    access: Access, client: str, said: str, address: str
) -> None:
    """A proxy of this machine that was named to us, if it says an address; nobody else."""
    assert access.address(request(client=client, x_forwarded_for=said)) == address


def test_who_guesses_through_the_proxy_is_one_of_many() -> None:
    """The others behind it are listened to."""
    story = Story()
    for _ in range(WRONG_AT_MOST):
        story.status("127.0.0.1", x_forwarded_for="203.0.113.9")
    assert story.status("127.0.0.1", TOKEN, x_forwarded_for="203.0.113.9") == 429
    assert story.status("127.0.0.1", TOKEN, x_forwarded_for="203.0.113.10") == 200
