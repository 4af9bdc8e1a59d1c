"""Whole numbers as few bytes: seven bits in each, the eighth says that more follow.

https://protobuf.dev/programming-guides/encoding/#varints
"""

from collections.abc import Iterable


def pack(numbers: Iterable[int], into: bytearray) -> None:
    """Append numbers, none of them negative."""
    for number in numbers:
        left = number
        while left > 0x7F:
            into.append(left & 0x7F | 0x80)
            left >>= 7
        into.append(left)


class Unpacking:
    """Reads packed numbers one after the other."""

    __slots__ = ("_at", "_packed")

    def __init__(self, packed: bytes) -> None:
        self._packed = packed
        self._at = 0

    def number(self) -> int:
        """Return the next number. Raises IndexError behind the last one."""
        packed, at = self._packed, self._at
        byte = packed[at]
        number, shift = byte & 0x7F, 7
        while byte > 0x7F:
            at += 1
            byte = packed[at]
            number |= (byte & 0x7F) << shift
            shift += 7
        self._at = at + 1
        return number

    def numbers(self, count: int) -> list[int]:
        """Return the next `count` numbers."""
        plain = self._packed[self._at : self._at + count]
        if len(plain) == count and plain.isascii():  # a byte each, and no loop of ours
            self._at += count
            return list(plain)
        return [self.number() for _ in range(count)]

    @property
    def done(self) -> bool:
        """Whether everything has been read."""
        return self._at == len(self._packed)
