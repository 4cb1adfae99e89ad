"""Writes docs/etats.md from the moves that the law allows: `python -m tools.draw_states`."""

from pathlib import Path

from rules.moves import drawing
from rules.states import (
    CHANGE_MOVES,
    DEBIT_MOVES,
    LINE_MOVES,
    ORDER_ITEM_MOVES,
    ORDER_MOVES,
    PORT_MOVES,
    REQUEST_MOVES,
    SIM_BY_HAND,
    SIM_MOVES,
    LineState,
    SimState,
)

PAGE = Path(__file__).parent.parent / "docs" / "etats.md"
SIM_WORDS = {(state, to): "à la main" for state, moves in SIM_BY_HAND.items() for to in moves} | {
    (SimState.active, SimState.in_stock): "import du parc annulé",
    (SimState.blocked, SimState.in_stock): "si elle en vient",
    (SimState.blocked, SimState.active): "si elle en vient",
}
LINE_WORDS = {
    (LineState.termination_scheduled, state): "si elle en vient"
    for state in (LineState.active, LineState.suspended_out, LineState.suspended_full)
}
SECTIONS = {
    "Cartes SIM": drawing(SIM_MOVES, SIM_WORDS),
    "Lignes mobiles": drawing(LINE_MOVES, LINE_WORDS),
    "Changements de lignes": drawing(CHANGE_MOVES),
    "Commandes": drawing(ORDER_MOVES),
    "Lignes de commande": drawing(ORDER_ITEM_MOVES),
    "Portabilités entrantes": drawing(PORT_MOVES),
    "Prélèvements": drawing(DEBIT_MOVES),
    "Demandes au réseau": drawing(REQUEST_MOVES),
}


def page() -> str:
    drawn = "".join(f"\n## {title}\n\n```mermaid\n{text}\n```\n" for title, text in SECTIONS.items())
    return f"# États\n\nDessinés par `python -m tools.draw_states` d'après `rules/states.py` ; tout autre passage est refusé.\n{drawn}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
