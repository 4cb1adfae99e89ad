"""The shape of an ordered item, as programs send it and pages write it: known fields, texts, nothing empty (interface)."""

import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

from rules.errors import RuleError
from rules.states import OrderItemKind

LONGEST_TEXT = 500
MOST_ROWS = 100
PORTING = {"msisdn": str, "rio": str, "porting_date": str, "time_slot": str, "asked_by_customer": bool, "withdrawal_waived": bool}
DEVICE = dict.fromkeys(("product", "imei", "sale_mode", "purchase_mode", "instalments", "unit_price"), str)
OPTION = dict.fromkeys(("code", "monthly_price", "data_speed"), str)
DISCOUNT = dict.fromkeys(("on", "percent", "amount", "until", "months"), str)
SHAPES: dict[str, dict[str, Any]] = {
    OrderItemKind.line: {
        "kind": str, "user_name": str, "iccid": str, "porting": PORTING, "commitment_type": str, "device": DEVICE, "offer": str,
        "monthly_price": str, "options": [OPTION], "rate_table": str, "discounts": [DISCOUNT], "billing_terms": str,
        "activated_on": str,
    },
    OrderItemKind.service: dict.fromkeys(("kind", "product", "quantity", "unit_price", "starts_on", "ends_on"), str),
}  # fmt: skip


class BadShape(RuleError):
    """What no item can hold; `errors` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.errors = [{"field": field, "code": self.code, "message": message}]


def shaped(value: Any, place: str = "items[0]") -> dict[str, Any]:
    """The item with its known fields alone, figures as texts, nothing empty. Raises BadShape.

    >>> shaped({"kind": "SERVICE", "product": "INSTALL", "quantity": 2, "ends_on": ""})
    {'kind': 'SERVICE', 'product': 'INSTALL', 'quantity': '2'}
    """
    kind = value.get("kind", OrderItemKind.line) if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in SHAPES:
        raise BadShape(f"{place}.kind", "La nature est LINE ou SERVICE.")
    return dict(_shaped({**value, "kind": kind}, SHAPES[kind], place))


def _shaped(value: Any, shape: Any, place: str) -> Any:
    if value is None:
        return None
    if isinstance(shape, dict):
        if not isinstance(value, Mapping):
            raise BadShape(place, "Il faut ici un objet : des noms et leurs valeurs.")
        if unknown := next((name for name in value if name not in shape), None):
            raise BadShape(f"{place}.{str(unknown)[:60]}", f"Champ inconnu. Ceux d'ici : {', '.join(shape)}.")
        found = {name: _shaped(value.get(name), shape[name], f"{place}.{name}") for name in shape}
        return {name: one for name, one in found.items() if one is not None and one not in ("", [], {})}
    if isinstance(shape, list):
        if not isinstance(value, list) or len(value) > MOST_ROWS:
            raise BadShape(place, f"Il faut ici une liste, de {MOST_ROWS} éléments au plus.")
        rows = (_shaped(one, shape[0], f"{place}[{rank}]") for rank, one in enumerate(value))
        return [row for row in rows if row]
    if shape is bool:
        if not isinstance(value, bool):
            raise BadShape(place, "Il faut ici true ou false.")
        return value
    return _text(value, place)


def _text(value: Any, place: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadShape(place, "Il faut ici un texte.")
    text = str(value).strip()
    if len(text) > LONGEST_TEXT or any(letter == "\0" or unicodedata.category(letter) == "Cs" for letter in text):
        raise BadShape(place, f"Il faut ici un texte lisible, de {LONGEST_TEXT} signes au plus.")
    return text


def differences(before: Any, after: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changed, field by field, as the journal tells it: what it was, what it is.

    >>> differences({"offer": "SOLO"}, {"offer": "DUO", "iccid": "89"})
    ({'offer': 'SOLO'}, {'offer': 'DUO', 'iccid': '89'})
    """
    old, new = dict(flat(before)), dict(flat(after))
    moved = [name for name in {**old, **new} if old.get(name) != new.get(name)]
    return {name: old[name] for name in moved if name in old}, {name: new[name] for name in moved if name in new}


def flat(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    """Each field with its value.

    >>> dict(flat({"offer": "SOLO", "options": [{"code": "OPT"}]}))
    {'offer': 'SOLO', 'options[0].code': 'OPT'}
    """
    if isinstance(value, dict):
        for name, one in value.items():
            yield from flat(one, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for rank, one in enumerate(value):
            yield from flat(one, f"{place}[{rank}]")
    else:
        yield place, value
