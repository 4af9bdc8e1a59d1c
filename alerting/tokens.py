"""The words of the `when` language: text cut into tokens, each knowing where it stood."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


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


def tokens_of(text: str) -> tuple[Token, ...]:
    """Cut a text into tokens, the last of which is its end. Raises ExpressionError."""
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
    raise ExpressionError(f"unexpected character {first!r}", at)


def _run(text: str, at: int, alphabet: frozenset[str]) -> int:
    while at < len(text) and text[at] in alphabet:
        at += 1
    return at


def _letter(char: str) -> bool:
    return char == "_" or (char.isascii() and char.isalpha())
