"""What is found out, and what it comes to: values only."""

from monitor.doctor.finding import Finding, Level, lines, worst

GOOD = Finding("clock", Level.OK, "right")
ODD = Finding("memory", Level.WARN, "little", "give more")
BAD = Finding("way", Level.FAIL, "shut", "open it")


def test_the_worst_decides() -> None:
    """Nothing at all is well."""
    assert worst([]) is Level.OK
    assert worst([GOOD, ODD]) is Level.WARN
    assert worst([BAD, GOOD, ODD]) is Level.FAIL


def test_each_is_a_line_and_its_remedy_another() -> None:
    """Aligned, with a sum at the end that leaves out what there is none of."""
    assert lines([GOOD, ODD, BAD]) == [
        "ok    clock   right",
        "warn  memory  little",
        "              -> give more",
        "fail  way     shut",
        "              -> open it",
        "1 fail, 1 warn, 1 ok",
    ]
    assert lines([GOOD])[-1] == "1 ok"
    assert lines([]) == [""]
