"""Reference vectors in memory for the probers, in the ledger for the next start."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from aggregator.ledger import Ledger, LedgerError
from aggregator.references import (
    KeptReference,
    asked_of,
    load_references,
    save_references,
    taken_at,
)
from probes.reference import Reference
from probes.target import Target

EVERY_S: Final = 5.0
"""How often new references are saved, and how soon one that a command has reset is noticed."""

log = structlog.get_logger("sonde.references")


@dataclass(frozen=True, slots=True)
class _Held:
    asked: str
    reference: Reference
    taken_at: float


class KeptReferences:
    """The references of one daemon; used in its loop alone."""

    def __init__(self, ledger: Ledger, wall: Callable[[], float]) -> None:
        self._ledger = ledger
        self._wall = wall
        self._held: dict[str, _Held] = {}
        self._unsaved: dict[str, KeptReference] = {}
        """One for each target at most."""

    def get(self, target: Target, /) -> Reference | None:
        """Return the target's reference; None when it has none, or one of another question."""
        held = self._held.get(target.name)
        return held.reference if held is not None and held.asked == asked_of(target) else None

    def offer(self, target: Target, vector: tuple[float, ...], /) -> None:
        """Take a good answer's vector as the target's reference, if it can be one."""
        reference = Reference.of(vector)
        if reference is None:
            return
        name, asked, now = target.name, asked_of(target), self._wall()
        self._held[name] = _Held(asked, reference, now)
        self._unsaved[name] = KeptReference(name, target.model, asked, reference.to_bytes(), now)
        log.info("reference.taken", target=name, model=target.model, dimensions=len(vector))

    async def restore(self) -> None:
        """Take up the ledger's references. Raises LedgerError."""
        for kept in await self._ledger.read(load_references):
            reference = Reference.from_bytes(kept.vector)
            if reference is not None:
                self._held[kept.target] = _Held(kept.asked, reference, kept.taken_at)

    async def run(self) -> None:
        """Save what is new and forget what a command has reset, for ever."""
        while True:
            try:
                await self.settle()
            except LedgerError as error:  # what is unsaved is tried again
                log.error("reference.not_saved", error=str(error))
            await asyncio.sleep(EVERY_S)

    async def settle(self) -> None:
        """Bring memory and ledger together. Raises LedgerError."""
        unsaved = dict(self._unsaved)
        if unsaved:
            await self._ledger.write(lambda c: save_references(c, unsaved.values()))
            for name, kept in unsaved.items():
                if self._unsaved.get(name) is kept:
                    del self._unsaved[name]
        there = await self._ledger.read(taken_at)
        for name, held in list(self._held.items()):
            if name not in self._unsaved and there.get(name) != held.taken_at:
                del self._held[name]
                log.info("reference.reset", target=name)
