"""Scripts, as Redis names them."""

from hashlib import sha1

from monitor.cluster.scripts import CLAIM, COUNT, FURTHER, RELEASE


def test_each_script_is_named_by_its_text() -> None:
    """As EVALSHA wants it: the SHA-1 of the text, in hexadecimal; no two are alike."""
    scripts = (CLAIM, COUNT, FURTHER, RELEASE)
    assert [each.sha for each in scripts] == [
        sha1(each.text.encode(), usedforsecurity=False).hexdigest() for each in scripts
    ]
    assert len({each.sha for each in scripts}) == len(scripts)
