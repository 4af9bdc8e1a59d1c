"""Reference vectors: kept in 32 bits, compared by the angle."""

import math
import struct

import pytest

from probes.reference import NoReferences, Reference
from probes.result import Operation
from probes.target import Target


@pytest.mark.parametrize(
    ("first", "second", "cosine"),
    [
        ((1.0, 0.0), (5.0, 0.0), 1.0),
        ((1.0, 0.0), (0.0, 2.0), 0.0),
        ((1.0, 0.0), (-3.0, 0.0), -1.0),
        ((1.0, 0.0), (1.0, 1.0), math.sqrt(0.5)),
    ],
)
def test_the_cosine_does_not_depend_on_lengths(
    first: tuple[float, ...], second: tuple[float, ...], cosine: float
) -> None:
    """Only the direction counts."""
    reference = Reference.of(first)
    assert reference is not None
    assert reference.cosine(second) == pytest.approx(cosine, abs=1e-12)


@pytest.mark.parametrize("vector", [(), (0.0, 0.0), (1.0,), (1.0, 2.0, 3.0), (1e308, 1e308)])
def test_what_has_no_cosine(vector: tuple[float, ...]) -> None:
    """No direction, another size or more than a float holds: None, never a number made up."""
    reference = Reference.of((1.0, 0.0))
    assert reference is not None
    assert reference.cosine(vector) is None


def test_a_vector_that_is_barely_too_long_has_no_cosine() -> None:
    """Where squares overflow although lengths do not."""
    reference = Reference.of((1.0, 0.0))
    assert reference is not None
    assert reference.cosine((1e200, 0.0)) is None


@pytest.mark.parametrize("vector", [(), (0.0,), (1e300,), (1e-60,)])
def test_what_is_no_reference(vector: tuple[float, ...]) -> None:
    """A vector without direction in 32 bits, or beyond them."""
    assert Reference.of(vector) is None


def test_a_reference_is_kept_exactly_in_32_bits() -> None:
    """What is written is read again, and compares as one with where it came from."""
    vector = (0.1, -0.2, 0.97)
    reference = Reference.of(vector)
    assert reference is not None
    assert reference.to_bytes() == struct.pack("=3f", *vector)
    again = Reference.from_bytes(reference.to_bytes())
    assert again == reference
    assert again.cosine(vector) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("blob", [b"", b"123", b"\0" * 8])
def test_bytes_that_are_no_reference(blob: bytes) -> None:
    """A damaged row is no reference, and no exception."""
    assert Reference.from_bytes(blob) is None


def test_nothing_kept_is_nothing_compared() -> None:
    """Who compares with nothing is offered vectors in vain."""
    target = Target(
        name="e",
        provider="p",
        preset="openai",
        model="m",
        operation=Operation.EMBEDDINGS,
        prompt="x",
    )
    none = NoReferences()
    none.offer(target, (1.0,))
    assert none.get(target) is None
