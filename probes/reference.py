"""Reference vectors: what a text's embedding was when it was first seen to be good.

The vector of one text should stay what it is: when it moves, the model behind the name changed, and
everything that was indexed with the old one compares badly with the new.
"""

import math
from array import array
from dataclasses import dataclass
from typing import Final, Protocol, Self

from probes.target import Target

_FLOAT32: Final = "f"


@dataclass(frozen=True, slots=True)
class Reference:
    """A vector as it is kept, in 32-bit floats: what providers send has no more than that."""

    vector: "array[float]"
    length: float
    """Its Euclidean length, above 0."""

    @classmethod
    def of(cls, vector: tuple[float, ...]) -> Self | None:
        """Take a vector as the reference; None when it has no direction or does not fit."""
        return cls._kept(array(_FLOAT32, vector))

    @classmethod
    def from_bytes(cls, blob: bytes) -> Self | None:
        """Read what `to_bytes` wrote; None when it is something else."""
        if len(blob) % array(_FLOAT32).itemsize:
            return None
        return cls._kept(array(_FLOAT32, blob))

    @classmethod
    def _kept(cls, vector: "array[float]") -> Self | None:
        length = math.hypot(*vector)
        return cls(vector, length) if length > 0.0 and math.isfinite(length) else None

    def to_bytes(self) -> bytes:
        """Return the vector as 32-bit floats, one after another."""
        return self.vector.tobytes()

    def cosine(self, vector: tuple[float, ...]) -> float | None:
        """Return the cosine of the angle to another vector, -1..1; None where it has none.

        By the law of cosines: the distance of two vectors takes microseconds where their product
        in Python takes a hundred, and is exact where it matters, for vectors that are close.
        """
        if len(vector) != len(self.vector):
            return None
        length = math.hypot(*vector)
        scale = 2.0 * length * self.length
        if not (math.isfinite(scale) and scale > 0.0):
            return None
        apart = math.dist(vector, self.vector)
        cosine = (length * length + self.length * self.length - apart * apart) / scale
        return max(-1.0, min(1.0, cosine)) if math.isfinite(cosine) else None


class References(Protocol):
    """Keeps a reference for each target. Both methods are called in the loop: quick."""

    def get(self, target: Target, /) -> Reference | None:
        """Return the target's reference; None when it has none, or one of another model."""

    def offer(self, target: Target, vector: tuple[float, ...], /) -> None:
        """Take a good answer's vector as the reference of a target that has none."""


class NoReferences:
    """For those who compare with nothing."""

    def get(self, _target: Target, /) -> Reference | None:
        """Return nothing."""
        return None

    def offer(self, _target: Target, _vector: tuple[float, ...], /) -> None:
        """Take nothing."""
