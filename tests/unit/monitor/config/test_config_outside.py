"""`egress`, `status_pages`, `status_page` and `baselines`."""

from pathlib import Path

import pytest

from alerting.match import Match
from monitor.config.values import Baseline, Check, Egress, ProviderPage
from monitor.egress.endpoint import DEFAULT_ENDPOINTS, parse_endpoint
from tests.unit.monitor.config.configtexts import SMALL, load_text, refusal

OPENAI = ProviderPage("openai", "https://status.openai.com/api/v2/summary.json")
PUBLIC = "{url: 'https://public.example/x', path: $.p95_ms}"


def test_what_is_unsaid(tmp_path: Path) -> None:
    """The check decides for itself, pages of known providers are read, nobody else is asked."""
    config = load_text(tmp_path, SMALL).config
    assert config.egress == Egress(check=Check.AUTO, endpoints=DEFAULT_ENDPOINTS, every_s=15.0)
    assert config.status_pages == (OPENAI,)
    assert config.baselines == ()


@pytest.mark.parametrize(
    ("word", "check"),
    [
        *(("auto", Check.AUTO), ("true", Check.ON), ("false", Check.OFF)),
        *(('"${ON}"', Check.ON), ('"${UNSET:-false}"', Check.OFF)),
    ],
)
def test_whether_our_own_way_out_is_checked(tmp_path: Path, word: str, check: Check) -> None:
    """A word, or what YAML and variables make of true and false."""
    text = SMALL + f"egress: {{check: {word}}}\n"
    assert load_text(tmp_path, text, environ={"ON": "true"}).config.egress.check is check


def test_endpoints_and_their_beat(tmp_path: Path) -> None:
    """Own endpoints take the place of the default; one said twice is asked once."""
    text = (
        SMALL
        + "egress: {endpoints: ['10.0.0.1:53', 'https://a.example/', '10.0.0.1:53'], every: 1m}\n"
    )
    loaded = load_text(tmp_path, text)
    wanted = (parse_endpoint("10.0.0.1:53"), parse_endpoint("https://a.example/"))
    assert loaded.config.egress == Egress(endpoints=wanted, every_s=60.0)
    assert not [each for each in loaded.warnings if "egress" in str(each)]


def test_one_endpoint_is_no_evidence(tmp_path: Path) -> None:
    """Allowed, and warned of: its own trouble would be taken for ours."""
    loaded = load_text(tmp_path, SMALL + "egress: {endpoints: ['10.0.0.1:53']}\n")
    assert [str(each).partition(" ")[2] for each in loaded.warnings if "egress" in str(each)] == [
        "egress.endpoints: one endpoint is no evidence: its own trouble would count as ours;"
        " name two more"
    ]


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("egress: {check: maybe}", "expected auto, true or false"),
        ("egress: {check: 1}", "expected auto, true or false"),
        ("egress: {endpoints: []}", "expected at least one entry"),
        ("egress: {endpoints: [example.com]}", "egress.endpoints[0]: expected HOST:PORT"),
        ("egress: {every: 15}", "expected a duration with its unit"),
        ("status_pages: https://a.example", "expected true or false"),
        ("baselines: [{url: 'https://a.example'}]", "missing: where the figure stands in it"),
        ("baselines: [{path: $.p95_ms}]", "missing: where the JSON is"),
        (
            "baselines: [{url: 'https://a.example', path: p95}]",
            "baselines[0].path: expected a path",
        ),
        (
            "baselines: [{url: 'https://a.example', path: $.p95}]",
            "baselines[0].unit: missing: ms or s",
        ),
        ("baselines: [{url: 'ftp://a.example', path: $.a_s}]", "baselines[0].url: expected a URL"),
        (f"baselines: [{PUBLIC}, {PUBLIC}]", "baselines[1].name: a second baseline of this name"),
        (
            "baselines: [{url: 'https://a.example', path: $.a_s, match: {modle: x}}]",
            "no target has a label of this name (did you mean model?)",
        ),
        (
            "baselines: [{url: 'https://a.example', path: $.a_s, every: 5s}]",
            "expected a duration from 1m to 1d",
        ),
    ],
)
def test_what_is_refused(tmp_path: Path, section: str, message: str) -> None:
    """One clear line for each mistake, with the place of it."""
    assert message in refusal(tmp_path, SMALL + section + "\n")


@pytest.mark.parametrize("unset", ["status_pages: false", "status_pages: '${UNSET:-false}'"])
def test_no_pages_at_all(tmp_path: Path, unset: str) -> None:
    """One word keeps us from asking anybody."""
    assert load_text(tmp_path, SMALL + unset + "\n").config.status_pages == ()


@pytest.mark.parametrize(
    ("said", "pages"),
    [
        ("", (OPENAI,)),
        ('base_url: "http://127.0.0.1:1/v1"', ()),
        ("status_page: false", ()),
        (
            'base_url: "http://127.0.0.1:1/v1", status_page: "http://127.0.0.1:2/s"',
            (ProviderPage("openai", "http://127.0.0.1:2/s"),),
        ),
    ],
)
def test_whose_page_is_read(tmp_path: Path, said: str, pages: tuple[ProviderPage, ...]) -> None:
    """The preset's own page speaks of its own address; another is named, or there is none."""
    text = SMALL.replace(
        "preset: openai,", f"preset: openai, {said}," if said else "preset: openai,"
    )
    assert load_text(tmp_path, text).config.status_pages == pages


@pytest.mark.parametrize("said", ["status_page: true", "status_page: 7", "status_page: a page"])
def test_what_is_no_page(tmp_path: Path, said: str) -> None:
    """A URL, or false."""
    found = refusal(tmp_path, SMALL.replace("preset: openai,", f"preset: openai, {said},"))
    assert "expected " in found
    assert "URL" in found


def test_a_baseline_says_little(tmp_path: Path) -> None:
    """Name, unit and quantile follow from the URL and the path."""
    loaded = load_text(tmp_path, SMALL + f"baselines: [{PUBLIC}]\n")
    assert loaded.config.baselines == (
        Baseline(
            name="public.example",
            url="https://public.example/x",
            steps=("p95_ms",),
            unit_s=0.001,
            quantile=0.95,
            match=Match(),
            every_s=300.0,
        ),
    )


def test_a_baseline_says_all(tmp_path: Path) -> None:
    """What is said goes before what follows."""
    text = (
        "baselines: [{name: gateway-p99, url: 'https://public.example/x', path: '$.rows[0].p50',"
        " unit: s, match: {provider: [openai, xai]}, every: 1h}]\n"
    )
    (found,) = load_text(tmp_path, SMALL + text).config.baselines
    assert (found.name, found.steps, found.unit_s) == ("gateway-p99", ("rows", 0, "p50"), 1.0)
    assert (found.quantile, found.every_s) == (0.99, 3600.0)
    assert found.match == Match((("provider", ("openai", "xai")),))


def test_a_baseline_of_nothing(tmp_path: Path) -> None:
    """It is warned of: nothing would ever be compared with it."""
    text = "baselines: [{url: 'https://a.example', path: $.a_s, match: {model: grok-*}}]\n"
    warnings = [str(each) for each in load_text(tmp_path, SMALL + text).warnings]
    assert any("baselines[0].match: matches no target" in each for each in warnings)
