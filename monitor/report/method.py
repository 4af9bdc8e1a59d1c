"""How to read a report: what it says about itself, in every format for people."""

from typing import Final

METHOD: Final = (
    (
        "Availability is the share of measured results without a failure; the vendor's alone "
        "counts failures whose fault is the provider's, the other counts all, both of the same "
        "results. Measured are first attempts, and slots not asked while a key's breaker was "
        "open after failures in a row: each counts as the failure that opened it, and how many "
        "they are is told. What failed through the monitor itself is in neither, but its slot "
        "was due. Slots held back by choice (budget, pacing) were not due, nor is any while the "
        "monitor does not run: what was then is not known. Shares are rounded down."
    ),
    (
        "The error budget is the number of failures of the vendor that the objective allows "
        "among the measured results."
    ),
    (
        "Latency is that of complete answers, and of timeouts at their deadline; a figure "
        "marked ≥ is a lower bound for these. Percentiles are within 1 % of the sample of that "
        "rank, and unknown (–) with too few samples. Those of several days or locations are "
        "taken over all their samples; no percentiles are averaged."
    ),
    (
        "Whose fault a failure is: the provider's, when it answered with an error of its own "
        "(5xx, overloaded, or throttled while its headers showed no used-up limit of the "
        "account), with a broken or empty answer, not in time, or not at all while our own way "
        "out was open; the account's (key, permission, money, a limit of its own used up) and "
        "the request's (a model or a parameter that it refused); the network's, when independent "
        "endpoints could not be reached either; the monitor's, when its own machine failed."
    ),
    (
        "An incident is a run of results whose fault is the provider's; runs less than two "
        "intervals of the target apart, from an end to the next beginning, are one. How many "
        "good results lie between is said with it, and whether it stands so near an end of the "
        "report that it may reach beyond. Quoted are the first answers of each verdict and "
        "status, then the first of all."
    ),
    (
        "What a status page said of what is probed is as it was read, every few minutes: its "
        "beginnings and ends are no finer. Words that began up to an hour after an incident are "
        "told too, for pages are late. A page that was not watched, or could not be read, is "
        "said to be so, and is not taken for silence."
    ),
    (
        "Tokens and costs are those of all attempts, confirming ones too, by the provider's "
        "usage and the configured prices; what is not known is not in them."
    ),
    "Days are those of UTC; one without any result or missed slot is left out.",
)

MEASURED: Final = (
    (
        "Each probe is one HTTP request, without retries or redirects, sent on a fixed grid of "
        "slots; at most one of a target is under way. It ends at its deadline at the latest."
    ),
    (
        "Durations are differences of a monotonic clock, ended by the kernel's receive stamp of "
        "the last byte where it gives one: how busy the monitor was is not in them. Where its "
        "lateness may have changed a figure all the same, the result is tainted: it counts, and "
        "its figure is in no percentile."
    ),
    (
        "Moments are those of the monitor's wall clock at the beginning of the slot, which its "
        "operating system keeps. Results during which it was stepped are counted as interrupted."
    ),
    (
        "A failure to connect is held against independent endpoints before it is blamed: when "
        "these cannot be reached either, it is not the provider's."
    ),
)
