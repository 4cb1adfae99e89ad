"""The legal moves of all that has states: these and no other; the drawing in the documentation is made of the same data."""

from itertools import product

import pytest

from rules import states
from rules.moves import IllegalState, check
from rules.states import SIM_BY_HAND, SIM_MOVES, SimState
from tools.draw_states import PAGE, page

BY_HAND = {
    "in_stock": "blocked lost faulty retired",
    "reserved": "lost faulty",
    "active": "blocked lost faulty retired",
    "blocked": "in_stock active",
    "lost": "retired",
    "faulty": "retired",
    "retired": "",
}
WRITTEN = {
    "SIM_MOVES": {
        "in_stock": "reserved active blocked lost faulty retired",
        "reserved": "in_stock active lost faulty",
        "active": "in_stock blocked lost faulty retired",
        "blocked": "in_stock active",
        "lost": "retired",
        "faulty": "retired",
        "retired": "",
    },
    "LINE_MOVES": {
        "pending": "active cancelled ported_out",
        "active": "suspended_out suspended_full termination_scheduled ported_out",
        "suspended_out": "active suspended_full termination_scheduled ported_out",
        "suspended_full": "active suspended_out termination_scheduled ported_out",
        "termination_scheduled": "active suspended_out suspended_full terminated ported_out",
        "terminated": "",
        "ported_out": "",
        "cancelled": "",
    },
    "CHANGE_MOVES": {"planned": "done refused cancelled", "done": "refused", "refused": "", "cancelled": ""},
    "ORDER_MOVES": {
        "draft": "submitted cancelled",
        "submitted": "in_progress rejected held cancelled",
        "held": "submitted cancelled",
        "in_progress": "completed partial rejected",
        "partial": "completed",
        "completed": "",
        "rejected": "",
        "cancelled": "",
    },
    "ORDER_ITEM_MOVES": {
        "draft": "requested cancelled",
        "requested": "done refused cancelled",
        "refused": "requested",
        "done": "",
        "cancelled": "",
    },
    "PORT_MOVES": {
        "draft": "checked cancelled",
        "checked": "submitted cancelled expired",
        "submitted": "eligible rejected cancelled expired",
        "eligible": "frozen rejected cancelled expired",
        "frozen": "completed rejected",
        "rejected": "checked",
        "completed": "",
        "cancelled": "",
        "expired": "",
    },
    "DEBIT_MOVES": {
        "prepared": "sent cancelled",
        "sent": "collected returned",
        "collected": "returned",
        "returned": "",
        "cancelled": "",
    },
    "REQUEST_MOVES": {
        "queued": "sent done refused",
        "sent": "accepted done refused in_doubt",
        "accepted": "done refused",
        "in_doubt": "done refused queued",
        "done": "",
        "refused": "",
    },
}
TABLES = [*((getattr(states, name), written) for name, written in WRITTEN.items()), (SIM_BY_HAND, BY_HAND)]
PAIRS = [
    (moves, written, source, target) for moves, written in TABLES for source, target in product(moves, type(next(iter(moves))))
]


def test_every_table_of_moves_is_written_here_and_names_each_of_its_states():
    assert {name for name in vars(states) if name.endswith("_MOVES")} == set(WRITTEN)
    for moves, _ in TABLES:
        assert set(moves) == set(type(next(iter(moves))))


@pytest.mark.parametrize("moves, written, source, target", PAIRS)
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
    drawn = [
        {tuple(row.partition(":")[0].strip().split(" --> ")) for row in section.splitlines() if "-->" in row}
        for section in page().split("\n## ")[1:]
    ]
    expected = [
        {(source, target) for source, targets in written.items() for target in targets.split()}
        | {("[*]", next(iter(written)))}
        | {(source, "[*]") for source, targets in written.items() if not targets}
        for written in WRITTEN.values()
    ]
    assert drawn == expected
