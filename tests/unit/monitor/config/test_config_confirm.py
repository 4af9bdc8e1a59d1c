"""`confirm:` in defaults and targets."""

from pathlib import Path

import pytest

from probes.target import Confirm
from tests.unit.monitor.config.configtexts import load_text, refusal

PROVIDERS = 'providers: {openai: {preset: openai, api_key: "${KEY}"}}\n'


def text(own: str, common: str = "") -> str:
    head = f"defaults: {{confirm: {common}}}\n" if common else ""
    confirm = f", confirm: {own}" if own else ""
    row = f"{{name: a, provider: openai, model: m{confirm}}}"
    return f"{head}{PROVIDERS}targets: [{row}]\n"


@pytest.mark.parametrize(
    ("own", "common", "expected"),
    [
        ("", "", Confirm()),
        ("{attempts: 0}", "", Confirm(attempts=0)),
        ("", "{attempts: 3, backoff: [500ms]}", Confirm(attempts=3, backoff_s=(0.5,))),
        (
            "{attempts: 1, throttled: 5m}",
            "{attempts: 3, backoff: [2s, 8s]}",
            Confirm(attempts=1, backoff_s=(2.0, 8.0), throttled_s=300.0),
        ),
        (
            "{backoff: [1s]}",
            "{backoff: [9s], throttled: 1m}",
            Confirm(backoff_s=(1.0,), throttled_s=60.0),
        ),
    ],
)
def test_key_by_key_the_target_then_defaults_then_sonde(
    tmp_path: Path, own: str, common: str, expected: Confirm
) -> None:
    """What is said in one place leaves the other keys as they are."""
    (target,) = load_text(tmp_path, text(own, common)).config.targets
    assert target.confirm == expected


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ("{attempts: 11}", "targets[0].confirm.attempts"),
        ("{attempts: -1}", "targets[0].confirm.attempts"),
        ("{backoff: []}", "targets[0].confirm.backoff"),
        ("{backoff: [5]}", "targets[0].confirm.backoff[0]"),
        ("{throttled: 2h}", "targets[0].confirm.throttled"),
        ("{retries: 1}", "targets[0].confirm.retries: unknown key"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, own: str, problem: str) -> None:
    """With the place where it stands."""
    assert problem in refusal(tmp_path, text(own))
