"""The words of the `when` language: text cut into tokens, each knowing where it stood."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Final, Never


class ExpressionError(ValueError):
    """A condition that cannot be read; `position` is the offending character, counted from 0."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.message = message
        self.position = position


class Shape(StrEnum):
    """What a token is made of."""

    WORD = "word"
    NUMBER = "number"
    SYMBOL = "symbol"
    SELECTION = "selection"
    """What stands between `{` and `}`, those included."""
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One piece of the text; `at` is its first character, counted from 0."""

    shape: Shape
    text: str
    at: int

    def __str__(self) -> str:
        return "the end" if self.shape is Shape.END else f"'{self.text}'"


_DIGITS: Final = frozenset("0123456789")
_COMPARING: Final = frozenset("<>=!")
_SYMBOLS: Final = frozenset("().,%/+-*")


_LONGEST_TEXT: Final = 2000
"""Characters of a condition: far more than anybody reads, and few enough to be read at once."""
_LONGEST_NUMBER: Final = 400
"""Characters of one number: enough for the smallest float written out, bounded all the same."""


def tokens_of(text: str) -> tuple[Token, ...]:
    """Cut a text into tokens, the last of which is its end. Raises ExpressionError."""
    if len(text) > _LONGEST_TEXT:
        raise ExpressionError(f"longer than {_LONGEST_TEXT} characters", _LONGEST_TEXT)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        after_number = bool(tokens) and tokens[-1].shape is Shape.NUMBER
        token = _token(text, at, letters_only=after_number)
        tokens.append(token)
        at += len(token.text)
    return (*tokens, Token(Shape.END, "", len(text)))


def _token(text: str, at: int, *, letters_only: bool) -> Token:
    """Cut the token that begins at `at`.

    `letters_only`: the word is the unit of a number, which ends before a digit (`1h30m`).
    """
    first = text[at]
    end = at + 1
    if first in _DIGITS:
        end = _run(text, at, _DIGITS)
        if text[end : end + 1] == "." and text[end + 1 : end + 2] in _DIGITS:
            end = _run(text, end + 1, _DIGITS)
        return Token(Shape.NUMBER, text[at:end], at)
    if _letter(first):
        while end < len(text) and (
            _letter(text[end]) or (text[end] in _DIGITS and not letters_only)
        ):
            end += 1
        return Token(Shape.WORD, text[at:end], at)
    if first in _COMPARING:
        return Token(Shape.SYMBOL, text[at : _run(text, at, _COMPARING)], at)
    if first in _SYMBOLS:
        return Token(Shape.SYMBOL, first, at)
    if first == "{":
        end = text.find("}", at) + 1
        if end == 0:
            raise ExpressionError("this '{' is closed by no '}'", at)
        return Token(Shape.SELECTION, text[at:end], at)
    raise ExpressionError(f"unexpected character {first!r}", at)


def _run(text: str, at: int, alphabet: frozenset[str]) -> int:
    while at < len(text) and text[at] in alphabet:
        at += 1
    return at


def _letter(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalpha())


class Cursor:
    """Where the reading of a text has come to."""

    def __init__(self, text: str) -> None:
        self._tokens = tokens_of(text)
        self._next = 0

    @property
    def peek(self) -> Token:
        """The next token."""
        return self._tokens[self._next]

    @property
    def after(self) -> Token:
        """The token behind the next one; the end, when that is the next."""
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    @property
    def bare(self) -> bool:
        """Whether the token before the next one is a number, which has no unit then."""
        return self._next > 0 and self._tokens[self._next - 1].shape is Shape.NUMBER

    def take(self) -> Token:
        """Return the next token and go on behind it. There is one: the end is never taken."""
        token = self.peek
        self._next += 1
        return token

    def accept(self, text: str) -> bool:
        """Take the next token if it is this word or symbol; say whether it was."""
        if self.peek.text != text:
            return False
        self._next += 1
        return True

    def expect(self, text: str) -> None:
        """Take this word or symbol. Raises ExpressionError at anything else."""
        if not self.accept(text):
            self.fail(f"expected '{text}'")

    def fail(self, expected: str) -> Never:
        """Refuse the next token. Raises ExpressionError."""
        raise ExpressionError(f"{expected}, not {self.peek}", self.peek.at)

    def number(self, expected: str) -> Decimal:
        """Take a number that is not negative. Raises ExpressionError."""
        token = self.peek
        if token.text == "-":
            raise ExpressionError(f"{expected}: no number is negative here", token.at)
        if token.shape is not Shape.NUMBER:
            self.fail(expected)
        if len(token.text) > _LONGEST_NUMBER:
            raise ExpressionError("the number is too long", token.at)
        return Decimal(self.take().text)
