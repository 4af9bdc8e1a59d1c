"""How many failures of its own a target must have had before its key's breaker may open.

A slot that is refused reads as failing, but has no latency, and a blip that was over would go on
reading as a failure. So the breaker waits until every rule has fired on what was really seen: then
it delays no alert, and makes none. What `sonde check` prints stays true with it.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import ceil
from typing import Final

from alerting.detection import Detection, detection
from alerting.engine import matching
from alerting.metric import Counted, Measured
from alerting.rule import Rule
from probes.target import Target

LEAST: Final = 3
"""As many as the rule Down takes for an outage, whatever the rules are."""


def failures_needed(
    target: Target, rules: Iterable[Rule], location: str, evaluate_every_s: float
) -> int:
    """Return after how many failures in a row every rule about results has fired for `target`.

    A rule about a latency waits out its hold on real samples. One that counts failures goes on
    counting refused slots.
    """
    needed = LEAST
    for rule in rules:
        metric = rule.when.metric
        if not isinstance(metric, Measured | Counted) or not matching(rule, [target], location):
            continue
        looked_at = rule if isinstance(metric, Measured) else replace(rule, hold_s=0.0)
        found = detection(looked_at, target, evaluate_every_s=evaluate_every_s, send_s=0.0)
        if isinstance(found, Detection):
            waited_s = found.seconds - target.deadline_s - evaluate_every_s
            needed = max(needed, ceil(waited_s / target.interval_s))
    return needed
