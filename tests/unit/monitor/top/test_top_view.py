"""What keys do, which targets are seen and in which order, and what ticks change."""

import pytest

from monitor.api.models.live import Tick
from monitor.top.board import Board
from monitor.top.view import Sort, View, chosen, pressed
from tests.unit.monitor.top.top_boards import alert, figures, instance, overview, row, target


def after(keys: str) -> View | None:
    view: View | None = View()
    for key in keys:
        view = None if view is None else pressed(view, key)
    return view


@pytest.mark.parametrize("keys", ["q", "\x03", "\x04", "stq", "/ab\x03"])
def test_these_keys_end_it(keys: str) -> None:
    """Ctrl-C also while a name is typed."""
    assert after(keys) is None


@pytest.mark.parametrize(
    ("keys", "view"),
    [
        ("x", View()),
        ("s", View(sort=Sort.NAME)),
        ("ssss", View()),
        ("t", View(troubled=True)),
        ("tt", View()),
        ("/aq", View(wanted="aq", typing=True)),
        ("/ab\x7f\x08\x08c\r", View(wanted="c")),
        ("/a\x00b\n", View(wanted="ab")),
        ("/a\n\x1b", View()),
        ("/a\x1bs", View(sort=Sort.NAME, wanted="a")),
        ("/a\n/", View(typing=True)),
    ],
)
def test_keys_change_the_view(keys: str, view: View) -> None:
    """Behind a / they are letters, until Return or Esc."""
    assert after(keys) == view


def test_targets_are_chosen_and_put_in_order() -> None:
    """The worst first, unless another order is wanted; equals as they rank."""
    rows = [
        row("b", 2, "ok", figures=figures(1.0, 0.5)),
        row("a", 1, "slow", figures=figures(3.0)),
        row("c", 0, "down"),
    ]

    def names(view: View) -> list[str]:
        return [each.now.name for each in chosen(rows, view)]

    assert names(View()) == ["c", "a", "b"]
    assert names(View(sort=Sort.NAME)) == ["a", "b", "c"]
    assert names(View(sort=Sort.P95)) == ["a", "b", "c"]
    assert names(View(sort=Sort.ERRORS)) == ["b", "c", "a"]
    assert names(View(troubled=True)) == ["c", "a"]
    assert names(View(wanted="OF-A")) == ["a"]
    assert names(View(wanted="openai")) == ["c", "a", "b"]
    assert names(View(wanted="nobody")) == []


def test_a_tick_changes_what_it_names() -> None:
    """The past of a target stays; one that is new wants another overview."""
    board = Board()
    board.take(overview(row("a"), row("b")))
    tick = Tick(now=2_000.0, instance=None, targets=[target("a", level="down")], alerts=None)
    assert not board.change(tick)
    assert (board.now, board.rows["a"].now.level, board.rows["b"].now.level) == (
        2_000.0,
        "down",
        "ok",
    )
    assert board.rows["a"].spark.p95_s == [1.0, 2.0]
    other = instance(ready=False)
    stranger = Tick(now=3_000.0, instance=other, targets=[target("c")], alerts=[alert("Down")])
    assert board.change(stranger)
    assert board.instance == other
    assert [each.name for each in board.alerts] == ["Down"]
    assert set(board.rows) == {"a", "b"}


def test_a_loss_is_dated_by_its_beginning() -> None:
    """Until the daemon is heard again."""
    board = Board()
    board.lose("refused", 5.0)
    board.lose("silent", 7.0)
    assert (board.lost, board.lost_at) == ("silent", 5.0)
    board.hear()
    assert (board.lost, board.lost_at) == ("", None)
