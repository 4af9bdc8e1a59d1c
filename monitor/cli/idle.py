"""Which rules over facts have nobody to tell them the fact, with this configuration, and why."""

from alerting.match import labels_of
from alerting.metric import Fact
from alerting.rule import Rule, Subject
from monitor.breadth import LEAST_MODELS, models_of
from monitor.config.values import Check, Config
from probes.target import Target


def idle(rule: Rule, target: Target, config: Config) -> str | None:
    """Say why the rule never hears of the target's fact; None: it may.

    The words can follow "never fires: ".
    """
    match rule.when.metric:
        case Fact.BUDGET_USED:
            everybody = rule.subject is Subject.LOCATION
            subject = "" if everybody else target.provider
            whose = "all providers together" if everybody else subject
            known = any(budget.subject == subject for budget in config.budgets)
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
