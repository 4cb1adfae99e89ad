"""Wallets: which lines share what, and in which order their pots can be served all at once (billing law § 1.6).

A call draws from the pots of its line in order. An engine that works in sets serves one level of pots after the other: levels
climb in the order of every line. Two pools that two lines hold in opposite orders have no such levels.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter

from rules.allowances import Counter, Pot

Counters = Mapping[int, Sequence[Counter]]  # by line


def levels(counters: Counters) -> tuple[dict[Pot, int], frozenset[int]]:
    """For each pot its level, and the lines of the wallets in which no levels serve every line.

    Lines without a pool are all climbed alike when their counters have the same shape.
    """
    found: dict[Pot, int] = {}
    pooled: dict[int, Sequence[Counter]] = {}
    shapes: dict[tuple, list[int]] = {}
    for line, own in counters.items():
        if any(is_shared(counter.pot) for counter in own):
            pooled[line] = own
            continue
        shape = tuple((counter.type, counter.categories) for counter in own)
        if shape not in shapes:
            climbed = _climb({line: own})
            shapes[shape] = [climbed[counter.pot] for counter in own]
        found.update(zip((counter.pot for counter in own), shapes[shape], strict=True))
    found |= _climb(pooled)
    lost = {line for line, own in pooled.items() if any(counter.pot not in found for counter in own)}
    return found, wallets_of(lost, pooled)


def is_shared(pot: Pot) -> bool:
    """Whether a pot is a pool: named by (customer, kind, code, rank), where a line's own is named by (item, rank)."""
    return len(pot) > 2


def _climb(counters: Counters) -> dict[Pot, int]:
    """The level of each pot above those that come before it for some line and category; a pot in a circle has none."""
    before: dict[Pot, set[Pot]] = {counter.pot: set() for own in counters.values() for counter in own}
    for own in counters.values():
        last: dict[tuple[str, str], Pot] = {}
        for counter in own:
            for category in counter.categories:
                lower = last.get((counter.type, category), counter.pot)
                if lower != counter.pot:
                    before[counter.pot].add(lower)
                last[counter.type, category] = counter.pot
    sorter = TopologicalSorter(before)
    with suppress(CycleError):  # it still gives every pot that no circle holds back
        sorter.prepare()
    found: dict[Pot, int] = {}
    level = 0
    while ready := sorter.get_ready():
        found.update(dict.fromkeys(ready, level))
        sorter.done(*ready)
        level += 1
    return found


def wallets_of(lines: Iterable[int], counters: Counters) -> frozenset[int]:
    """Those lines and every line that shares a pot with one of them, near or far."""
    sharing: dict[Pot, set[int]] = {}
    for line, own in counters.items():
        for counter in own:
            sharing.setdefault(counter.pot, set()).add(line)
    found: set[int] = set()
    waiting = list(lines)
    while waiting:
        line = waiting.pop()
        if line not in found:
            found.add(line)
            waiting += [other for counter in counters.get(line, ()) for other in sharing[counter.pot]]
    return frozenset(found)
