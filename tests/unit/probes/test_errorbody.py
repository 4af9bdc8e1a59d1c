"""Errors of every known shape are read into one."""

import pytest

from probes.errorbody import ErrorFacts, error_facts, is_error


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        pytest.param(
            {"error": {"message": "m", "type": "t", "param": None, "code": "c"}},
            ErrorFacts("c", "t", "m"),
            id="openai",
        ),
        pytest.param(
            {"error": {"message": "m", "code": 429}},
            ErrorFacts(message="m", status=429),
            id="openrouter",
        ),
        pytest.param(
            {"error": {"message": "m", "code": "503"}},
            ErrorFacts("503", message="m", status=503),
            id="azure",
        ),
        pytest.param({"code": "c", "error": "text"}, ErrorFacts("c", "", "text"), id="xai"),
        pytest.param(
            {"code": "c", "error": "Incorrect%20API%20key"},
            ErrorFacts("c", "", "Incorrect API key"),
            id="xai-encoded",
        ),
        pytest.param({"error": "a%20b c"}, ErrorFacts(message="a%20b c"), id="not-encoded"),
        pytest.param({"error": "a%2Fb"}, ErrorFacts(message="a%2Fb"), id="not-encoded-either"),
        pytest.param({"error": "text"}, ErrorFacts(message="text"), id="ollama"),
        pytest.param(
            {"object": "error", "message": "m", "type": "NotFoundError", "code": 404},
            ErrorFacts("", "NotFoundError", "m", 404),
            id="vllm",
        ),
        pytest.param(
            [{"error": {"code": 400, "message": "m", "status": "INVALID_ARGUMENT"}}],
            ErrorFacts("", "INVALID_ARGUMENT", "m", 400),
            id="google",
        ),
        pytest.param({"detail": "Not Found"}, ErrorFacts(message="Not Found"), id="fastapi"),
        pytest.param("plain", ErrorFacts(message="plain"), id="text"),
    ],
)
def test_known_shapes(answer: object, facts: ErrorFacts) -> None:
    """Each shape seen in the wild gives its code, type, message and numeric status."""
    assert error_facts(answer) == facts


@pytest.mark.parametrize(
    "answer",
    [
        None,
        3,
        [],
        [{}, {}],
        {},
        {"error": None},
        {"error": 5},
        {"error": {"message": ["m"], "code": True, "type": {}}},
        {"error": {"code": 200}},
        {"error": {"code": 10**400}},
    ],
)
def test_unknown_shapes_say_nothing(answer: object) -> None:
    """What fits no shape gives empty facts instead of an exception."""
    assert error_facts(answer) == ErrorFacts()


def test_a_code_is_short() -> None:
    """A hostile code does not grow into a message of its own, and is not cut inside a secret."""
    assert error_facts({"error": {"code": "c" * 80}}).code == "c" * 80
    assert not error_facts({"error": {"code": "c" * 81}}).code


@pytest.mark.parametrize(
    "answer",
    [{"error": {"message": "m"}}, {"error": "text"}, {"object": "error"}, [{"error": {"code": 1}}]],
)
def test_errors_are_recognised(answer: object) -> None:
    """An answer with a filled `error`, or of the object type `error`, is one."""
    assert is_error(answer)


@pytest.mark.parametrize(
    "answer", [{}, {"error": None}, {"error": {}}, {"message": "m"}, [], [1], "error", None]
)
def test_other_answers_are_no_errors(answer: object) -> None:
    """An empty `error` beside a good answer does not spoil it."""
    assert not is_error(answer)
