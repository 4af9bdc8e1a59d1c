"""The tables behind every verdict are complete, and agree with each other."""

from probes.result import DETAIL_LIMIT, Fault, Verdict
from probes.verdicts import BY_STATUS, BY_WORD, FAILURES, GENERIC, VERDICTS, WireFailure


def test_every_verdict_has_a_row() -> None:
    """None is without a meaning, and only `ok` is nobody's fault."""
    assert list(VERDICTS) == list(Verdict)
    assert [v for v in Verdict if VERDICTS[v].fault is Fault.NONE] == [Verdict.OK]
    assert all(meaning.text for meaning in VERDICTS.values())


def test_every_failure_of_the_wire_has_a_verdict_and_a_fault_it_can_have() -> None:
    """What the wire reports is in both tables."""
    assert set(FAILURES) == set(WireFailure)
    assert all(fault in VERDICTS[verdict].faults for verdict, fault in FAILURES.values())


def test_every_verdict_can_come_about() -> None:
    """Each is reached by a status, a word or a failure of the wire, or is judged from an answer."""
    judged = {
        *(Verdict.OK, Verdict.CONTENT_MISMATCH, Verdict.EMPTY),
        *(Verdict.STREAM_ERROR, Verdict.REDIRECTED),
    }
    told = {*BY_STATUS.values(), *BY_WORD.values(), *GENERIC.values()}
    assert judged | told | {verdict for verdict, _ in FAILURES.values()} == set(Verdict)


def test_faults_beside_the_usual_one_have_a_reason() -> None:
    """A fault is never a matter of taste: what must be known for it is said."""
    for meaning in VERDICTS.values():
        reasons = [blame.when for blame in meaning.faults.values()]
        assert all(reasons)
        assert len(set(reasons)) == len(reasons)


def test_a_hint_is_for_a_fault_that_can_be() -> None:
    """Asked for one that is not in the row, there is nothing to say."""
    assert VERDICTS[Verdict.OK].hint(Fault.PROVIDER) is None
    assert VERDICTS[Verdict.QUOTA].hint(Fault.ACCOUNT) is not None


def test_what_nobody_here_can_help_has_no_hint_in_general() -> None:
    """A provider's own breakdown is not for the reader to mend."""
    for verdict in (Verdict.SERVER_ERROR, Verdict.OVERLOADED, Verdict.TRUNCATED, Verdict.TIMEOUT):
        assert VERDICTS[verdict].hint(Fault.PROVIDER) is None


def test_hints_are_short() -> None:
    """One line: no longer than a detail."""
    for meaning in VERDICTS.values():
        for blame in meaning.faults.values():
            assert blame.hint is None or len(blame.hint) <= DETAIL_LIMIT
