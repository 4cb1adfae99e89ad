"""The call annex: each line's communications, those that an unlimited allowance covers summed by category, excl. and incl. VAT.

Source: arrêté du 31 décembre 2013 (the detail of unlimited communications need not be given). Amounts are micro-euros.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from itertools import groupby
from typing import Any

from rules import categories
from rules.money import half_up
from rules.states import Section

USED = (Section.usage, Section.third_party, Section.regularisation)

Row = dict[str, Any]


def by_line(document: Mapping[str, Any], calls: Iterable[Row]) -> list[Row]:
    """Each line with its `calls`, what is `summed` of it, and its sums; `calls` come by line, then by time.

    >>> call = {"msisdn": "+33639980001", "user_name": "", "type": "VOICE", "category": "FR_MOBILE", "units": 60}
    >>> paid = call | {"covered": 0, "amount_micro": 100_000}
    >>> free = call | {"covered": 60, "amount_micro": 0, "unlimited": True}
    >>> billed = {"lines": [{"section": "USAGE", "msisdn": "+33639980001", "vat_rate": "20"}], "vat": []}
    >>> (line,) = by_line(billed, [paid, free, free])
    >>> len(line["calls"]), line["summed"], line["count"], line["excl_micro"], line["incl_micro"]
    (1, [{'type': 'VOICE', 'label': 'Appels, mobiles de France', 'count': 2, 'units': 120}], 3, 100000, 120000)
    """
    rates = vat_rates(document)
    found = []
    for (msisdn, user_name), group in groupby(calls, lambda call: (call["msisdn"], call["user_name"])):
        every = list(group)
        rate = rates.get(msisdn) or max((Decimal(total["rate"]) for total in document["vat"]), default=Decimal(0))
        excl = sum(call["amount_micro"] for call in every)
        units: dict[str, int] = {}
        for call in every:
            units[call["type"]] = units.get(call["type"], 0) + call["units"]
        told = [call | {"incl_micro": incl_vat(call["amount_micro"], rate)} for call in every if not summed(call)]
        found.append(
            {
                "msisdn": msisdn, "user_name": user_name, "calls": told, "summed": _sums(filter(summed, every)),
                "count": len(every), "units": units, "excl_micro": excl, "incl_micro": incl_vat(excl, rate),
            }
        )  # fmt: skip
    return found


def summed(call: Row) -> bool:
    """Whether nothing need be told of a call but that it was: an unlimited allowance covered all of it."""
    return bool(call.get("unlimited")) and not call["amount_micro"]


def _sums(calls: Iterable[Row]) -> list[Row]:
    sums: dict[tuple[str, str], Row] = {}
    for call in calls:
        label = categories.label(call["type"], call["category"])
        row = sums.setdefault((call["type"], label), {"type": call["type"], "label": label, "count": 0, "units": 0})
        row["count"] += 1
        row["units"] += call["units"]
    rank = list(categories.TYPES)
    return [sums[key] for key in sorted(sums, key=lambda key: (rank.index(key[0]), key[1]))]


def vat_rates(document: Mapping[str, Any]) -> dict[str, Decimal]:
    """The VAT rate of each line's communications, else of what else it is billed."""
    ordered = sorted(document["lines"], key=lambda line: line["section"] in USED)
    return {line["msisdn"]: Decimal(line["vat_rate"]) for line in ordered if line.get("msisdn")}


def incl_vat(amount_micro: int, rate: Decimal) -> int:
    """
    >>> incl_vat(83_333, Decimal("8.5"))
    90416
    """
    return half_up(amount_micro * (10_000 + int(rate * 100)), 10_000)
