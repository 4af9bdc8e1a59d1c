"""What /api/v1 changes, and whom it lets do so, over a real socket."""

import asyncio
import base64
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.api.access import WRONG_AT_MOST
from monitor.api.gate import BODY_BYTES, BODY_S
from tests.integration.api_served import KEY, TOKEN, WRITE, Served, served


@pytest.fixture
async def daemon(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as found:
        yield found


@pytest.fixture
async def guarded(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, host="0.0.0.0", token=TOKEN) as found:
        yield found


def silence(**changes: object) -> dict[str, object]:
    return {
        "matchers": ["provider=dead"],
        "author": "ann",
        "comment": "known",
        "ends_at": time.time() + 3600.0,
        **changes,
    }


async def test_a_silence_is_made_listed_counted_and_ended(daemon: Served) -> None:
    """It stands in the ledger at once, keeps alerts quiet with the next evaluation, and ends."""
    made = await daemon.http.post("/silences", json=silence(), headers=WRITE)
    assert made.status_code == 201
    row = made.json()
    assert (row["state"], row["matchers"], row["until_resolved"]) == (
        "active",
        ["provider=dead"],
        False,
    )
    assert [each["id"] for each in await daemon.get("/silences")] == [row["id"]]
    gone = await daemon.http.delete(f"/silences/{row['id']}", headers=WRITE)
    assert (gone.status_code, gone.content) == (204, b"")
    assert await daemon.get("/silences") == []
    (over,) = await daemon.get("/silences?expired=true")
    assert over["state"] == "expired"
    again = await daemon.http.delete(f"/silences/{row['id']}", headers=WRITE)
    assert again.status_code == 404


async def test_an_acknowledgement_shows_on_its_alert(daemon: Served) -> None:
    """Within an evaluation the alert says who looks after it."""
    alert = await daemon.firing()
    body = {"author": "bob", "comment": "on it"}
    path = f"/alerts/{alert['fingerprint']}/acknowledge"
    made = await daemon.http.post(path, json=body, headers=WRITE)
    assert (made.status_code, made.json()["until_resolved"]) == (201, True)
    said = ""
    for _ in range(50):
        rows = {row["fingerprint"]: row for row in await daemon.get("/alerts")}
        if said := rows[alert["fingerprint"]]["acknowledged"]:
            break
        await asyncio.sleep(0.1)
    assert said.startswith("by bob, until ")
    assert said.endswith(": on it")


async def test_nobody_acknowledges_what_is_not_there(daemon: Served) -> None:
    """An alert that is over, or never was, is 404 and makes no silence."""
    body = {"author": "bob", "comment": "on it"}
    answer = await daemon.http.post("/alerts/0000/acknowledge", json=body, headers=WRITE)
    assert answer.status_code == 404
    assert await daemon.get("/silences?expired=true") == []


async def test_every_write_leaves_a_line(daemon: Served) -> None:
    """Who, what and when, in the change's own transaction; a write that was refused leaves none."""
    named = {**WRITE, "X-Forwarded-For": "the boss"}
    made = await daemon.http.post("/silences", json=silence(), headers=named)
    await daemon.http.post("/silences", json=silence(ends_at=1.0), headers=WRITE)
    await daemon.http.delete("/silences/none", headers=WRITE)
    await daemon.http.delete(f"/silences/{made.json()['id']}", headers=WRITE)
    lines = (await daemon.get("/audit"))["items"]
    assert [(line["action"], line["subject"]) for line in lines] == [
        ("silence.expire", made.json()["id"]),
        ("silence.create", made.json()["id"]),
    ]
    assert lines[1]["who"] == "loopback 127.0.0.1"  # and not who it says it is
    assert lines[1]["detail"] == "provider=dead, by ann: known"


async def test_a_line_that_cannot_be_written_undoes_its_write(daemon: Served) -> None:
    """Nothing is changed that nobody could find out about."""

    def break_it(connection: sqlite3.Connection) -> None:
        connection.execute("DROP TABLE api_writes")

    await daemon.ledger.write(break_it)
    answer = await daemon.http.post("/silences", json=silence(), headers=WRITE)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "api.crashed" in answer.json()["detail"]
    assert await daemon.get("/silences") == []


async def test_secrets_in_a_comment_are_masked(daemon: Served) -> None:
    """A key that somebody pastes is in no row and no answer."""
    body = silence(comment=f"the key {KEY} is bad", author=f"x {KEY}")
    made = await daemon.http.post("/silences", json=body, headers=WRITE)
    assert made.status_code == 201
    assert KEY not in made.text
    assert KEY not in (await daemon.http.get("/audit")).text


WRONG: list[dict[str, object]] = [
    {"matchers": ["provider"]},
    {"matchers": ["nothing=x"]},
    {"matchers": ["provider=*"]},
    {"matchers": []},
    {"ends_at": 1.0},
    {"ends_at": 1e300},
    {"starts_at": 2e9, "ends_at": 2e9 + 91 * 86400},
    {"author": " "},
    {"comment": ""},
    {"more": 1},
    {"ends_at": "4000000000"},
    {"starts_at": True},
]


async def test_a_silence_nobody_can_mean_is_refused(daemon: Served) -> None:
    """With the words `sonde silence add` has for it, as a problem, and nothing is written."""
    for wrong in WRONG:
        answer = await daemon.http.post("/silences", json=silence(**wrong), headers=WRITE)
        assert answer.status_code == 422, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    assert await daemon.get("/silences?expired=true") == []


async def test_numbers_that_are_none_are_refused(daemon: Served) -> None:
    """NaN is no JSON, though Python reads it: a silence until then would never end."""
    body = b'{"matchers":["provider=dead"],"author":"a","comment":"c","ends_at":NaN}'
    answer = await daemon.http.post("/silences", content=body, headers=WRITE)
    assert answer.status_code == 422


CSRF = [
    ({"X-Sonde-Write": "1"}, 201),
    ({"X-Sonde-Write": "1", "Origin": "{own}"}, 201),
    ({"X-Sonde-Write": "1", "Sec-Fetch-Site": "same-origin"}, 201),
    ({}, 403),
    ({"X-Sonde-Write": "0"}, 403),
    ({"X-Sonde-Write": "1", "Origin": "https://evil.example"}, 403),
    ({"X-Sonde-Write": "1", "Origin": "null"}, 403),
    ({"X-Sonde-Write": "1", "Origin": "http://localhost:1"}, 403),
    ({"X-Sonde-Write": "1", "Sec-Fetch-Site": "same-site"}, 403),
    ({"X-Sonde-Write": "1", "Sec-Fetch-Site": "cross-site"}, 403),
    ({"X-Sonde-Write": "1", "Content-Type": "application/x-www-form-urlencoded"}, 415),
    ({"X-Sonde-Write": "1", "Content-Type": "text/plain"}, 415),
    ({"X-Sonde-Write": "1", "Content-Type": "multipart/form-data; boundary=x"}, 415),
]


async def test_another_sites_page_changes_nothing(daemon: Served) -> None:
    """What a browser sends of itself for a foreign page is refused before it is read."""
    made = 0
    for headers, status in CSRF:
        sent = {name: value.format(own=daemon.url) for name, value in headers.items()}
        sent.setdefault("Content-Type", "application/json")
        answer = await daemon.http.post("/silences", json=silence(), headers=sent)
        made += status == 201
        assert answer.status_code == status, headers
        assert len(await daemon.get("/silences")) == made, headers


async def test_no_preflight_is_ever_granted(daemon: Served) -> None:
    """A browser that asks whether a foreign page may write gets no leave."""
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    answer = await daemon.http.options("/silences", headers=asked)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]


async def test_what_is_no_json_is_refused(daemon: Served) -> None:
    """Nested beyond all reason, or no text at all: as the document says, and nothing crashes."""
    for content in (b"[" * 10_000, b'{"author":"\xff"}'):
        answer = await daemon.http.post("/silences", content=content, headers=WRITE)
        assert answer.status_code == 400
        assert answer.json()["title"] == "Not understood"


async def test_a_body_that_is_said_to_be_large_is_not_waited_for(daemon: Served) -> None:
    """It is refused before any of it comes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(daemon.url.rpartition(":")[2]))
    headers = {"Host": "localhost", **WRITE, "Content-Length": str(BODY_BYTES + 1)}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"POST /api/v1/silences HTTP/1.1\r\n{lines}\r\n".encode())
    async with asyncio.timeout(BODY_S / 2):
        assert b" 413 " in await reader.readline()
    writer.close()


async def test_large_bodies_are_refused(daemon: Served) -> None:
    """Said or not, a body beyond the limit is not taken in."""
    body = silence(comment="x" * BODY_BYTES).__repr__().encode()

    async def in_chunks() -> AsyncIterator[bytes]:
        for first in range(0, len(body), 1000):
            yield body[first : first + 1000]

    for content in (body, in_chunks()):
        answer = await daemon.http.post("/silences", content=content, headers=WRITE)
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"x:{password}".encode()).decode()


TOKENS = [
    (None, 401),
    (f"Bearer {TOKEN}", 200),
    (f"bearer {TOKEN}", 200),
    (basic(TOKEN), 200),
    (f"Bearer {TOKEN}x", 401),
    (f"Bearer {TOKEN[:-1]}", 401),
    (basic(""), 401),
    ("Bearer", 401),
    ("Basic !", 401),
    (f"Digest {TOKEN}", 401),
]


async def test_wider_than_loopback_the_token_opens(guarded: Served) -> None:
    """It alone does, as Bearer or Basic; a program is not asked as a browser is."""
    for authorization, status in TOKENS:
        headers = {} if authorization is None else {"Authorization": authorization}
        answer = await guarded.http.get("/instance", headers=headers)
        assert answer.status_code == status, authorization
        if status == 401:
            assert answer.headers["www-authenticate"] == 'Bearer realm="Sonde"'


async def test_every_route_asks_for_the_token(guarded: Served) -> None:
    """Reads, writes, the document, the stream, and what is not there."""
    for path in ("/overview", "/openapi.json", "/audit", "/stream", "/nothing"):
        assert (await guarded.http.get(path)).status_code == 401, path
    answer = await guarded.http.post("/silences", json=silence(), headers=WRITE)
    assert answer.status_code == 401


async def test_a_browser_is_asked_when_it_opens_a_page(guarded: Served) -> None:
    """Its user is asked for the token; what a page fetches makes no window pop up."""
    opened = await guarded.http.get(
        guarded.url, headers={"Sec-Fetch-Mode": "navigate", "Accept": "text/html"}
    )
    assert opened.headers["www-authenticate"].startswith("Basic ")
    fetched = await guarded.http.get(
        guarded.url, headers={"Sec-Fetch-Mode": "cors", "Accept": "text/html"}
    )
    assert fetched.headers["www-authenticate"].startswith("Bearer ")


async def test_who_guesses_is_not_listened_to(guarded: Served) -> None:
    """After some wrong tokens the address is refused, the right token too; each is counted."""
    for number in range(WRONG_AT_MOST):
        answer = await guarded.http.get("/instance", headers={"Authorization": f"Bearer {number}"})
        assert answer.status_code == 401
    right = {"Authorization": f"Bearer {TOKEN}"}
    answer = await guarded.http.get("/instance", headers=right)
    assert answer.status_code == 429
    assert 0 < int(answer.headers["retry-after"]) <= 60
    metrics = (await guarded.http.get(f"{guarded.url}/metrics")).text
    assert f"sonde_api_wrong_tokens_total {WRONG_AT_MOST}.0" in metrics


async def test_on_loopback_a_foreign_name_gets_nothing(daemon: Served) -> None:
    """A name that was made to lead here is no way around the browser's rules."""
    answer = await daemon.http.get("/instance", headers={"Host": "rebound.example"})
    assert answer.status_code == 403
