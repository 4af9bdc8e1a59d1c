"""News come out of the stream as they went in, and nothing else comes out of it."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from aggregator.results import SkippedSlot
from monitor.cluster.codec import (
    ITEMS,
    LARGEST,
    LATEST,
    LIMITS,
    UntellableError,
    decode,
    encode,
    joined,
)
from monitor.cluster.protocol import News
from probes.result import (
    Failing,
    Fault,
    Operation,
    ProbeResult,
    RateLimit,
    SkipReason,
    StampQuality,
    Verdict,
)
from probes.target import Slot
from tests.property.test_results_kept_exactly import results as any_results

text = st.text(st.characters().filter(str.isprintable), max_size=20)
whole = st.integers(-LARGEST, LARGEST)
real = st.floats(allow_nan=False, allow_infinity=False)
time = st.floats(0.0, LATEST, exclude_max=True)
maybe_real = st.none() | real
maybe_whole = st.none() | whole
limits = st.builds(
    RateLimit, bucket=text, limit=maybe_whole, remaining=maybe_whole, reset_s=maybe_real
)
results = st.builds(
    ProbeResult,
    target=text,
    provider=text,
    model=text,
    operation=st.sampled_from(Operation),
    location=text,
    slot=whole,
    slot_at=time,
    attempt=st.integers(1, 5),
    at=time,
    verdict=st.sampled_from(Verdict),
    fault=st.sampled_from(Fault),
    detail=text,
    hint=text,
    status=st.none() | st.integers(0, 999),
    resolve_s=maybe_real,
    last_token_s=maybe_real,
    total_s=real,
    reused=st.none() | st.booleans(),
    output_tokens=maybe_whole,
    cost_usd=maybe_real,
    rate_limits=st.lists(limits, max_size=LIMITS).map(tuple),
    request_id=st.none() | text,
    stamps=st.sampled_from(StampQuality),
    interrupted=st.booleans(),
)
skips = st.builds(
    SkippedSlot,
    target=text,
    location=text,
    slot=st.builds(Slot, whole, time),
    reason=st.sampled_from(SkipReason),
    at=time,
    failing=st.none()
    | st.builds(Failing, verdict=st.sampled_from(Verdict), fault=st.sampled_from(Fault)),
)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(st.lists(results | skips, max_size=6))
def test_news_come_back_as_they_were(news: list[News]) -> None:
    """Whatever was told is heard, in order and to the last bit."""
    found = decode(joined(encode(each) for each in news))
    assert (list(found.news), found.refused) == (news, 0)


@given(any_results)
def test_a_hostile_answer_spoils_its_own_item_at_most(result: ProbeResult) -> None:
    """Control characters, infinities and endless numbers of an answer break no entry."""
    try:
        item = encode(result)
    except UntellableError:
        assert not all(map(math.isfinite, (result.at, result.slot_at, result.total_s)))
        return
    good = encode(SkippedSlot("t", "here", Slot(1, 0.0), SkipReason.LATE, 0.0))
    found = decode(joined([item, good]))
    assert len(found.news) + found.refused == 2
    assert isinstance(found.news[-1], SkippedSlot)
    for heard in found.news[:-1]:
        assert isinstance(heard, ProbeResult)
        assert heard.detail.isprintable()
        assert math.isfinite(heard.total_s)


@given(st.binary(max_size=200) | st.text().map(lambda t: t.encode("utf-8", "replace")))
def test_any_bytes_are_survived(entry: bytes) -> None:
    """What is no entry of ours holds no news, and raises nothing."""
    assert not decode(entry).news


@given(results | skips, st.data())
def test_a_field_of_another_type_is_refused_or_is_a_value(news: News, data: st.DataObject) -> None:
    """Each field with anything in it: an item of the right types, or none."""
    item = json.loads(encode(news))
    name = data.draw(st.sampled_from(sorted(item)))
    item[name] = data.draw(anything)
    found = decode(json.dumps([item]).encode())
    assert len(found.news) + found.refused <= 1
    for heard in found.news:
        assert encode(heard)  # fit to be told again
        assert isinstance(heard.slot if isinstance(heard, ProbeResult) else heard.slot.number, int)


@given(st.lists(anything, max_size=ITEMS))
def test_every_item_is_taken_or_counted(items: list[object]) -> None:
    """Nothing that came is passed over in silence: what is not JSON counts as one."""
    found = decode(json.dumps(items).encode())
    assert len(found.news) + found.refused in {1, len(items)}
