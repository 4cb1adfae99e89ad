"""The legal moves of a card: these and no other; the drawing in the documentation is made of the same data."""

from itertools import product

import pytest

from rules.moves import IllegalState, check
from rules.states import SIM_BY_HAND, SIM_MOVES, SimState
from tools.draw_states import PAGE, page

LEGAL = {
    "in_stock": "reserved active blocked lost faulty retired",
    "reserved": "in_stock active lost faulty",
    "active": "in_stock blocked lost faulty retired",
    "blocked": "in_stock active",
    "lost": "retired",
    "faulty": "retired",
    "retired": "",
}
BY_HAND = {
    "in_stock": "blocked lost faulty retired",
    "reserved": "lost faulty",
    "active": "blocked lost faulty retired",
    "blocked": "in_stock active",
    "lost": "retired",
    "faulty": "retired",
    "retired": "",
}


@pytest.mark.parametrize("source, target", product(SimState, SimState))
@pytest.mark.parametrize("moves, written", [(SIM_MOVES, LEGAL), (SIM_BY_HAND, BY_HAND)])
def test_every_pair_that_is_not_written_is_refused(moves, written, source, target):
    if target in written[source].split():
        check(moves, source, target)
        return
    with pytest.raises(IllegalState) as caught:
        check(moves, source, target)
    assert (caught.value.code, caught.value.status) == ("ILLEGAL_STATE", 409)
    assert source.label in str(caught.value)
    assert source == target or all(moves_to.label in str(caught.value) for moves_to in moves[source])


def test_a_final_state_says_so():
    with pytest.raises(IllegalState, match="« Hors service » est définitif"):
        check(SIM_MOVES, SimState.retired, SimState.in_stock)


def test_the_drawing_is_the_data():
    assert PAGE.read_text(encoding="utf-8") == page()
    arrows = {tuple(row.partition(":")[0].strip().split(" --> ")) for row in page().splitlines() if "-->" in row}
    assert arrows == {(source, target) for source, targets in LEGAL.items() for target in targets.split()} | {
        ("[*]", "in_stock"),
        ("retired", "[*]"),
    }
