"""One table from errors to verdicts and faults."""

import json

import pytest

from probes.classify import (
    Classified,
    classified,
    classify_error_object,
    classify_failure,
    classify_response,
    hint_of,
)
from probes.hints import Hint
from probes.result import DETAIL_LIMIT, Fault, Verdict
from probes.verdicts import VERDICTS, WireFailure


def _openai(code: str | int | None = None, kind: str | None = None, message: str = "") -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "code": code}}).encode()


def _flat(code: str, error: str) -> bytes:
    return json.dumps({"code": code, "error": error}).encode()


def _verdict(status: int, body: bytes, preset: str = "openai") -> tuple[Verdict, Fault]:
    found = classify_response(status, {}, body, preset=preset)
    return found.verdict, found.fault


@pytest.mark.parametrize(
    ("status", "verdict", "fault"),
    [
        (400, Verdict.INVALID_REQUEST, Fault.REQUEST),
        (401, Verdict.AUTH, Fault.ACCOUNT),
        (402, Verdict.QUOTA, Fault.ACCOUNT),
        (403, Verdict.FORBIDDEN, Fault.ACCOUNT),
        (404, Verdict.INVALID_REQUEST, Fault.REQUEST),
        (408, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (409, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (410, Verdict.MODEL_NOT_FOUND, Fault.REQUEST),
        (413, Verdict.INVALID_REQUEST, Fault.REQUEST),
        (422, Verdict.INVALID_REQUEST, Fault.REQUEST),
        (425, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (429, Verdict.THROTTLED, Fault.PROVIDER),
        (451, Verdict.FORBIDDEN, Fault.ACCOUNT),
        (500, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (502, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (503, Verdict.OVERLOADED, Fault.PROVIDER),
        (504, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (529, Verdict.OVERLOADED, Fault.PROVIDER),
        (599, Verdict.SERVER_ERROR, Fault.PROVIDER),
        (302, Verdict.REDIRECTED, Fault.PROVIDER),
        (200, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (204, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (100, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (0, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (999, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
    ],
)
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"\xff\xfe", b"[]", b"7", b"{}"])
def test_status_alone(status: int, verdict: Verdict, fault: Fault, body: bytes) -> None:
    """A body that says nothing leaves the decision to the status."""
    assert _verdict(status, body) == (verdict, fault)


@pytest.mark.parametrize(
    ("status", "body", "verdict", "fault"),
    [
        pytest.param(
            429,
            _openai("insufficient_quota", "insufficient_quota", "You exceeded your current quota"),
            Verdict.QUOTA,
            Fault.ACCOUNT,
            id="openai-quota",
        ),
        pytest.param(
            429,
            _openai("rate_limit_exceeded", "requests", "Limit 3 / min"),
            Verdict.THROTTLED,
            Fault.PROVIDER,
            id="openai-load",
        ),
        pytest.param(
            503, _openai("slow_down"), Verdict.THROTTLED, Fault.PROVIDER, id="openai-slow-down"
        ),
        pytest.param(
            503,
            _openai("server_is_overloaded"),
            Verdict.OVERLOADED,
            Fault.PROVIDER,
            id="openai-overloaded",
        ),
        pytest.param(
            401,
            _openai(None, "invalid_request_error", "You didn't provide an API key."),
            Verdict.AUTH,
            Fault.ACCOUNT,
            id="generic-type-does-not-hide-401",
        ),
        pytest.param(
            404,
            _openai("model_not_found", "invalid_request_error", "The model `x` does not exist"),
            Verdict.MODEL_NOT_FOUND,
            Fault.REQUEST,
            id="openai-model",
        ),
        pytest.param(
            404,
            _openai(None, "api_error", "model 'x' not found, try pulling it first"),
            Verdict.MODEL_NOT_FOUND,
            Fault.REQUEST,
            id="ollama-model",
        ),
        pytest.param(
            404,
            b'{"object":"error","message":"The model `x` does not exist.","code":404}',
            Verdict.MODEL_NOT_FOUND,
            Fault.REQUEST,
            id="vllm-model",
        ),
        pytest.param(
            404,
            _openai("DeploymentNotFound", None, "The API deployment does not exist."),
            Verdict.MODEL_NOT_FOUND,
            Fault.REQUEST,
            id="azure-deployment",
        ),
        pytest.param(
            404, b'{"detail":"Not Found"}', Verdict.INVALID_REQUEST, Fault.REQUEST, id="wrong-path"
        ),
        pytest.param(
            400,
            _openai("unsupported_parameter", "invalid_request_error", "Use max_completion_tokens"),
            Verdict.INVALID_REQUEST,
            Fault.REQUEST,
            id="openai-parameter",
        ),
        pytest.param(
            400,
            _openai("content_filter", None, "filtered"),
            Verdict.REFUSED,
            Fault.REQUEST,
            id="azure-filter",
        ),
        pytest.param(
            403,
            _openai("unsupported_country_region_territory", "request_forbidden"),
            Verdict.FORBIDDEN,
            Fault.ACCOUNT,
            id="openai-region",
        ),
        pytest.param(
            400,
            _flat("Client specified an invalid argument", "Incorrect API key provided: na***ys."),
            Verdict.AUTH,
            Fault.ACCOUNT,
            id="xai-key",
        ),
        pytest.param(
            400,
            _flat("Client specified an invalid argument", "Incorrect%20API%20key%20provided"),
            Verdict.AUTH,
            Fault.ACCOUNT,
            id="xai-key-encoded",
        ),
        pytest.param(
            400,
            _flat("Client specified an invalid argument", "Model not found: grok-0"),
            Verdict.MODEL_NOT_FOUND,
            Fault.REQUEST,
            id="xai-model",
        ),
        pytest.param(
            400,
            _flat("Client specified an invalid argument", "temperature is too high"),
            Verdict.INVALID_REQUEST,
            Fault.REQUEST,
            id="xai-argument",
        ),
        pytest.param(
            429,
            _flat(
                "Some resource has been exhausted",
                "Your team has either used all available credits or reached its spending limit.",
            ),
            Verdict.QUOTA,
            Fault.ACCOUNT,
            id="xai-spent",
        ),
        pytest.param(
            403,
            _flat("The caller does not have permission", "Your team doesn't have any credits yet."),
            Verdict.QUOTA,
            Fault.ACCOUNT,
            id="xai-no-credits",
        ),
        pytest.param(
            429,
            _flat("too many", "INSUFFICIENT QUOTA: 100 requests per minute"),
            Verdict.THROTTLED,
            Fault.PROVIDER,
            id="scaleway-load",
        ),
        pytest.param(
            429,
            _openai("insufficient_quota", None, "limit of 1000 TPM reached"),
            Verdict.THROTTLED,
            Fault.PROVIDER,
            id="quota-per-minute-is-load",
        ),
        pytest.param(
            429,
            _openai("429", None, "exceeded token rate limit of your pricing tier"),
            Verdict.THROTTLED,
            Fault.PROVIDER,
            id="azure-load",
        ),
        pytest.param(
            400,
            b'[{"error":{"code":400,"message":"API key not valid.","status":"INVALID_ARGUMENT"}}]',
            Verdict.AUTH,
            Fault.ACCOUNT,
            id="google-key",
        ),
        pytest.param(
            503,
            _openai(None, None, "insufficient credits"),
            Verdict.OVERLOADED,
            Fault.PROVIDER,
            id="an-outage-is-no-bill",
        ),
        pytest.param(
            500,
            _openai(None, "invalid_request_error", "Incorrect API key provided"),
            Verdict.SERVER_ERROR,
            Fault.PROVIDER,
            id="an-outage-is-no-wrong-key",
        ),
    ],
)
def test_code_then_type_then_message_then_status(
    status: int, body: bytes, verdict: Verdict, fault: Fault
) -> None:
    """What an error says outweighs its status, unless it says nothing of its own."""
    assert _verdict(status, body) == (verdict, fault)


@pytest.mark.parametrize(
    ("headers", "fault"),
    [
        ({}, Fault.PROVIDER),
        ({"x-ratelimit-remaining-requests": "0"}, Fault.ACCOUNT),
        (
            {"x-ratelimit-remaining-requests": "9", "x-ratelimit-remaining-tokens": "0"},
            Fault.ACCOUNT,
        ),
        (
            {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "9"},
            Fault.PROVIDER,
        ),
        ({"x-ratelimit-remaining-requests": "-1"}, Fault.PROVIDER),
    ],
)
@pytest.mark.parametrize("preset", ["openai", "xai", "compatible", "unheard-of"])
def test_throttling_below_the_stated_limit_is_the_providers(
    headers: dict[str, str], fault: Fault, preset: str
) -> None:
    """Only headers that say that a bucket is empty make a 429 our account's fault."""
    found = classify_response(429, headers, b"", preset=preset)
    assert (found.verdict, found.fault) == (Verdict.THROTTLED, fault)


def test_empty_buckets_do_not_excuse_other_failures() -> None:
    """A server error at an exhausted limit stays the provider's."""
    found = classify_response(500, {"x-ratelimit-remaining-requests": "0"}, b"", preset="openai")
    assert found.fault is Fault.PROVIDER


def test_an_error_in_a_200_is_classified_by_its_code() -> None:
    """A 200 whose body is an error means what the error means."""
    assert _verdict(200, _openai("insufficient_quota")) == (Verdict.QUOTA, Fault.ACCOUNT)
    assert _verdict(200, _openai(429)) == (Verdict.THROTTLED, Fault.PROVIDER)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        ({"code": 401, "message": "no"}, Verdict.AUTH),
        ({"code": 402, "message": "no"}, Verdict.QUOTA),
        ({"code": 502, "message": "no"}, Verdict.SERVER_ERROR),
        ({"code": 503, "message": "no"}, Verdict.OVERLOADED),
        ({"code": "rate_limit_exceeded"}, Verdict.THROTTLED),
        ({"type": "invalid_request_error"}, Verdict.INVALID_REQUEST),
        ({"type": "NotFoundError"}, Verdict.MODEL_NOT_FOUND),
        ({"message": "Invalid API key"}, Verdict.AUTH),
        ({"type": "server_error", "message": "sorry"}, Verdict.STREAM_ERROR),
        ({}, Verdict.STREAM_ERROR),
    ],
)
def test_in_band_errors(error: dict[str, object], verdict: Verdict) -> None:
    """A numeric code counts as a status; an error that says nothing is what the caller says."""
    found = classify_error_object(
        {"error": error}, otherwise=Verdict.STREAM_ERROR, where="error in the stream"
    )
    assert (found.verdict, found.fault) == (verdict, VERDICTS[verdict].fault)


def test_the_detail_names_status_code_and_message() -> None:
    """A person reads at once what the server said."""
    found = classify_response(429, {}, _openai("slow_down", None, "Slow\ndown!"), preset="openai")
    assert found.detail == "HTTP 429 slow_down: Slow down!"


def test_the_detail_shows_how_a_body_that_is_no_json_begins() -> None:
    """A page of HTML is shown by its beginning."""
    found = classify_response(502, {}, b"<html><h1>Bad Gateway</h1>", preset="openai")
    assert found.detail == "HTTP 502: <html><h1>Bad Gateway</h1>"


def test_the_detail_holds_no_secret() -> None:
    """A server that repeats our key does not get it into the result."""
    body = _openai("invalid_api_key", None, "house-key-1 is wrong " * 100)
    found = classify_response(401, {}, body, preset="openai", secrets=["house-key-1"])
    assert "house-key" not in found.detail
    assert len(found.detail) <= DETAIL_LIMIT


@pytest.mark.parametrize(
    ("location", "detail"),
    [
        ("https://login.example.org/?token=abc", "login.example.org"),
        ("/v2/chat", "another path"),
        ("http://[broken", "another path"),
        ("", "another path"),
    ],
)
def test_a_redirect_names_the_host_alone(location: str, detail: str) -> None:
    """The rest of an address may carry a credential."""
    found = classify_response(307, {"location": location}, b"", preset="openai")
    assert found.detail == f"HTTP 307 to {detail}, which probes do not follow"
    assert found.verdict is Verdict.REDIRECTED


@pytest.mark.parametrize(
    ("kind", "verdict", "fault"),
    [
        (WireFailure.DNS, Verdict.DNS_ERROR, Fault.PROVIDER),
        (WireFailure.CONNECT, Verdict.CONNECT_ERROR, Fault.PROVIDER),
        (WireFailure.TLS, Verdict.TLS_ERROR, Fault.PROVIDER),
        (WireFailure.TLS_NO_ROOTS, Verdict.TLS_ERROR, Fault.MONITOR),
        (WireFailure.RESET, Verdict.RESET, Fault.PROVIDER),
        (WireFailure.TRUNCATED, Verdict.TRUNCATED, Fault.PROVIDER),
        (WireFailure.TIMEOUT, Verdict.TIMEOUT, Fault.PROVIDER),
        (WireFailure.OVERSIZED, Verdict.OVERSIZED, Fault.PROVIDER),
        (WireFailure.PROTOCOL, Verdict.PROTOCOL_ERROR, Fault.PROVIDER),
        (WireFailure.STALE, Verdict.RESET, Fault.NETWORK),
        (WireFailure.MONITOR, Verdict.MONITOR_ERROR, Fault.MONITOR),
    ],
)
def test_transport_failures(kind: WireFailure, verdict: Verdict, fault: Fault) -> None:
    """Each phase of the wire has its verdict; an empty trust store is our own fault."""
    assert classify_failure(kind) == Classified(verdict, fault)


def test_only_the_beginning_of_a_message_is_searched() -> None:
    """An endless message costs no more than a long one, and says no more."""
    body = _openai(None, None, "x " * 5000 + "Incorrect API key provided")
    assert _verdict(400, body) == (Verdict.INVALID_REQUEST, Fault.REQUEST)


def test_every_transport_failure_is_classified() -> None:
    """No kind of failure is without an entry."""
    for kind in WireFailure:
        assert classify_failure(kind).fault is not Fault.NONE


def test_the_detail_of_a_failure_is_sanitised() -> None:
    """An exception's text is as untrusted as a server's."""
    found = classify_failure(WireFailure.RESET, "peer\nsent house-key-1", secrets=["house-key-1"])
    assert found.detail == "peer sent ***"


def test_a_verdict_may_come_with_another_fault() -> None:
    """Whoever knows better than the table says so."""
    assert classified(Verdict.EMPTY, "", fault=Fault.REQUEST).fault is Fault.REQUEST
    assert classified(Verdict.EMPTY, "").fault is Fault.PROVIDER


def _hint(status: int, body: bytes, preset: str = "openai", key: str = "", **headers: str) -> str:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return hint_of(classify_response(status, named, body, preset=preset), preset, key)


@pytest.mark.parametrize(
    ("hint", "status", "body"),
    [
        (Hint.KEY_REFUSED, 401, b""),
        (Hint.IP_LIST, 401, _openai("ip_not_authorized")),
        (Hint.ORGANIZATION, 401, _openai("mismatched_project")),
        (Hint.PERMISSION, 403, b""),
        (Hint.REGION, 403, _openai("unsupported_country_region_territory")),
        (Hint.REGION, 403, _openai(None, None, "Not available in your country")),
        (Hint.REGION, 403, _openai(None, None, "User location is not supported")),
        (Hint.REGION, 451, b""),
        (Hint.SPEND_LIMIT, 429, _openai("project_spend_limit_exceeded")),
        (Hint.NO_CREDIT, 402, _openai(402, None, "Insufficient credits")),
        (Hint.THROTTLED_BELOW_LIMIT, 429, _openai("rate_limit_exceeded")),
        (Hint.MODEL_UNKNOWN, 404, _openai("model_not_found")),
        (Hint.MODEL_RETIRED, 404, _openai("model_not_found", None, "m has been retired")),
        (Hint.MODEL_RETIRED, 400, _openai("model_decommissioned")),
        (Hint.MODEL_UNKNOWN, 400, _openai(400, None, "x/y is not a valid model ID")),
        (Hint.MODEL_UNKNOWN, 404, _openai(404, None, "No endpoints found for x/y.")),
        (Hint.KEY_REFUSED, 400, _openai(400, None, "API key expired. Please renew the API key.")),
        (Hint.KEY_REFUSED, 400, _openai(400, None, "API Key not found. Please pass a valid one.")),
        (Hint.DEPLOYMENT, 404, _openai("DeploymentNotFound")),
        (Hint.PATH, 404, b"not found"),
        (Hint.PATH, 405, b""),
        (Hint.INCLUDE_USAGE, 400, _openai(None, None, "Unknown name stream_options")),
        (Hint.CONTEXT, 400, _openai("context_length_exceeded")),
        (Hint.CONTEXT, 400, _openai(None, None, "maximum context length is 8192 tokens")),
        (
            Hint.TOKEN_PARAMETER,
            400,
            _openai(
                "unsupported_parameter",
                None,
                "'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
            ),
        ),
        (
            Hint.TOKEN_FLOOR,
            400,
            _openai(
                "integer_below_min_value",
                None,
                "Invalid 'max_output_tokens': integer below minimum value. Expected >= 16",
            ),
        ),
        (Hint.TEMPERATURE, 400, _openai(None, None, "'temperature' does not support 0.2")),
        (Hint.EFFORT, 400, _openai(None, None, "Unsupported value: 'reasoning_effort'")),
        (Hint.PARAMETERS, 422, b""),
        (Hint.PROMPT, 400, _openai("content_filter")),
        ("", 500, b""),
        ("", 200, b"{}"),
    ],
)
def test_what_a_person_can_do(hint: str, status: int, body: bytes) -> None:
    """The error's words select one of our own sentences; what nobody can help has none."""
    assert _hint(status, body) == hint


def test_a_web_page_is_a_wrong_address_or_a_gateway() -> None:
    """HTML with 200 or 403 says more than its status."""
    assert _hint(200, b"<html>", content_type="Text/HTML; charset=utf-8") == Hint.HTML
    assert _hint(403, b"<html>", content_type="text/html") == Hint.GATEWAY
    assert _hint(500, b"<html>", content_type="text/html") == ""


@pytest.mark.parametrize("pad", [b"", b" " * 1000, b"x " * 500])
@pytest.mark.parametrize("shape", [b"%s%s", b'{"error": {"code": "c%s%s", "message": "no"}}'])
def test_no_beginning_of_a_key_is_left_where_an_error_is_cut(shape: bytes, pad: bytes) -> None:
    """White space folds away, and a code has its own bound: neither cuts before masking."""
    key = "0123456789abcdef" * 6
    found = classify_response(500, {}, shape % (pad, key.encode()), preset="azure", secrets=[key])
    assert key[:8] not in found.detail


@pytest.mark.parametrize("quote", ["'", '"'])
def test_our_own_request_in_a_complaint_refuses_no_usage(quote: str) -> None:
    """What pydantic says of another parameter repeats all that was sent."""
    sent = "{'stream': True, 'stream_options': {'include_usage': True}}".replace("'", quote)
    complaint = f"[{{'loc': ('body', 'seed'), 'msg': 'Field required', 'input': {sent}}}]"
    assert _hint(400, _openai(None, None, complaint)) == Hint.PARAMETERS
    refused = "[{'loc': ('body', 'stream_options'), 'msg': 'Extra inputs', 'input': {}}]"
    assert _hint(400, _openai(None, None, refused)) == Hint.INCLUDE_USAGE


def test_our_own_limit_used_up_is_said() -> None:
    """Headers that show an empty bucket change the fault, and so the hint."""
    hint = _hint(429, b"", x_ratelimit_remaining_requests="0")
    assert hint == Hint.LIMIT_REACHED


@pytest.mark.parametrize(
    ("preset", "key", "hint"),
    [
        ("openai", "sk-house key-1", Hint.KEY_SPACE),
        ("openai", "'sk-house-key-1'", Hint.KEY_QUOTED),
        ("openai", "Bearer sk-house-key-1", Hint.KEY_BEARER),
        ("openai", "sk-house-key-1", Hint.KEY_REFUSED),
        ("unheard-of", "house-key-1", Hint.KEY_REFUSED),
        ("unheard-of", "", Hint.KEY_REFUSED),
    ],
)
def test_a_refused_key_is_looked_at(preset: str, key: str, hint: Hint) -> None:
    """Its shape tells the commonest mistakes."""
    assert _hint(401, b"", preset, key) == hint


def test_a_refused_key_of_another_provider() -> None:
    """Where it is known how keys begin, that is said, and no part of the key is."""
    hint = _hint(400, _flat("", "Incorrect API key provided"), "xai", "sk-house-key-1")
    assert hint.startswith('keys of xai begin with "xai-"')
    assert "house" not in hint


def test_a_key_is_no_matter_where_the_account_is() -> None:
    """What the provider says of the account outweighs the shape of the key."""
    assert _hint(401, _openai("ip_not_authorized"), "xai", "sk-house-key-1") == Hint.IP_LIST


def test_a_good_result_needs_no_hint() -> None:
    """Nothing is to be done, whatever the key looks like."""
    assert hint_of(classified(Verdict.OK, "no finish_reason"), "xai", "house-key-1") == ""
