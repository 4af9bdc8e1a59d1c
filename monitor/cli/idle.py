"""Which rules over facts have nobody to tell them the fact, with this configuration, and why."""

from alerting.condition import And, Expression, Not, Or
from alerting.match import labels_of
from alerting.metric import Fact, Metric
from alerting.rule import Rule, Subject
from monitor.breadth import LEAST_MODELS, models_of
from monitor.config.values import Check, Config
from probes.target import Target


def idle(rule: Rule, target: Target, config: Config) -> str | None:
    """Say why the rule never fires for want of a fact of the target; None: it may.

    What is never known makes an `and` false or unknown for ever, an `or` only where every part is
    so. The words can follow "never fires: ".
    """
    return _wanting(rule.when, rule.subject, target, config)


def _wanting(when: Expression, subject: Subject, target: Target, config: Config) -> str | None:
    match when:
        case And(parts):
            reasons = (_wanting(part, subject, target, config) for part in parts)
            return next(filter(None, reasons), None)
        case Or(parts):
            found = [_wanting(part, subject, target, config) for part in parts]
            return found[0] if all(found) else None
        case Not(And(parts)):
            return _wanting(Or(tuple(map(Not, parts))), subject, target, config)
        case Not(Or(parts)):
            return _wanting(And(tuple(map(Not, parts))), subject, target, config)
        case Not(part):
            return _wanting(part, subject, target, config)
        case _:
            return _unknown(when.metric, subject, target, config)


def _unknown(metric: Metric, subject: Subject, target: Target, config: Config) -> str | None:
    """Say why nobody ever knows the fact; None: somebody may."""
    match metric:
        case Fact.BUDGET_USED:
            everybody = subject is Subject.LOCATION
            of = "" if everybody else target.provider
            whose = "all providers together" if everybody else of
            known = any(budget.subject == of for budget in config.budgets)
            return None if known else f"no budget is configured for {whose}"
        case Fact.EGRESS_FAILING:
            off = config.egress.check is Check.OFF
            return "egress.check is false: nobody looks at our own way out" if off else None
        case Fact.PROVIDER_FAILING:
            few = target.provider not in models_of(config.targets)
            return f"fewer than {LEAST_MODELS} models of {target.provider}" if few else None
        case Fact.STATUS_PAGE_DISAGREES:
            known = any(page.provider == target.provider for page in config.status_pages)
            return None if known else f"no status page of {target.provider} is read"
        case Fact.BASELINE_RATIO:
            labels = labels_of(target, config.location)
            known = any(each.match.matches(labels) for each in config.baselines)
            return None if known else f"no baseline is configured for {target.name}"
        case _:
            return None
