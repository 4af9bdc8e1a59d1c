"""The balance holds whatever happens, in whatever order."""

import sqlite3

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from aggregator.results import drop_oldest
from aggregator.stores.spool import (
    Batch,
    Poison,
    begin,
    pending_results,
    settle,
)
from tests.unit.aggregator.stores.spools import (
    ELSEWHERE,
    HERE,
    fill,
    hear,
    in_memory,
    of_results,
    really_pending,
)


class SpoolMachine(RuleBasedStateMachine):
    """Results come and go while batches are read, settled late, or forgotten by a crash."""

    connection: sqlite3.Connection | None = None
    batch: Batch | None = None
    slot = 0
    produced = 0

    @initialize()
    def open(self) -> None:
        """Make an empty ledger in memory."""
        self.ledger = self.connection = in_memory()
        begin(self.ledger, HERE)

    @rule(number=st.integers(1, 20))
    def produce(self, number: int) -> None:
        """Commit results."""
        fill(self.ledger, range(self.slot, self.slot + number))
        self.slot += number
        self.produced += number

    @rule(number=st.integers(1, 20))
    def hear(self, number: int) -> None:
        """Commit results of other replicas: they are in no term of the balance."""
        hear(self.ledger, range(self.slot, self.slot + number))
        self.slot += number

    @rule(number=st.integers(1, 20))
    def drop(self, number: int) -> None:
        """Make room: the oldest go, stored or not."""
        drop_oldest(self.ledger, number)

    @invariant()
    def no_heard_row_is_shipped(self) -> None:
        """What is read to be shipped is our own."""
        lines = pending_results(self.ledger, None, 1_000).lines
        assert len(lines) == really_pending(self.ledger)

    @rule(number=st.integers(1, 20))
    def read(self, number: int) -> None:
        """Read a batch; one that was not settled is forgotten, as by a crash."""
        self.batch = pending_results(self.ledger, None, number)

    @rule(poison=st.integers(0, 3), expired=st.integers(0, 3))
    def store(self, poison: int, expired: int) -> None:
        """Settle the batch that was read."""
        if self.batch is not None and self.batch.lines:
            refused = [Poison(line, "bad") for line in self.batch.lines[:poison]]
            settle(self.ledger, self.batch, refused, expired, 0.0)
        self.batch = None

    @rule()
    def work_undone(self) -> None:
        """A transaction that fails takes its counts back with its rows."""
        self.ledger.execute("BEGIN")
        fill(self.ledger, range(self.slot, self.slot + 3))
        drop_oldest(self.ledger, 2)
        self.ledger.execute("ROLLBACK")

    @rule()
    def change_destination(self) -> None:
        """Another bucket begins anew with what there is."""
        begin(self.ledger, ELSEWHERE)
        begin(self.ledger, HERE)
        self.batch = None
        (self.produced,) = self.ledger.execute(
            "SELECT count(*) FROM results WHERE heard_from = ''"
        ).fetchone()

    @invariant()
    def balances(self) -> None:
        """What was produced is somewhere, and what is said to wait is there, row by row."""
        found = of_results(self.ledger)
        assert found.produced == self.produced
        assert found.pending == really_pending(self.ledger)
        assert min(found.stored, found.dropped, found.quarantined) >= 0

    def teardown(self) -> None:
        if self.connection is not None:
            self.connection.close()


SpoolMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestSpool = SpoolMachine.TestCase
