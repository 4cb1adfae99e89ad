"""The form of an ordered item: its fields bear the names of the item's own (`porting.rio`), options and discounts their rank."""

from collections.abc import Mapping
from typing import Any

from rules.order_shape import DEVICE, DISCOUNT, PORTING
from rules.states import OrderItemKind

LINE = ("user_name", "commitment_type", "offer", "monthly_price", "rate_table", "billing_terms", "activated_on")
SERVICE = ("product", "quantity", "unit_price", "starts_on", "ends_on")
PRICES = ("monthly_price", "unit_price", "percent", "amount")
Form = Mapping[str, str]


def asked(form: Form) -> dict[str, Any]:
    """The item that a form asks for."""
    if form.get("kind") == OrderItemKind.service:
        return {"kind": "SERVICE", **{name: _typed(form, name) for name in SERVICE}}
    found: dict[str, Any] = {"kind": "LINE", **{name: _typed(form, name) for name in LINE}}
    typed, picked = form.get("iccid", "").strip(), form.get("pick", "")
    ends = "".join(letter for letter in typed if letter.isdigit())
    found["iccid"] = picked if picked and picked.endswith(ends) else typed
    if form.get("porting.msisdn", "").strip() or form.get("porting.rio", "").strip():
        found["porting"] = {name: _typed(form, f"porting.{name}") for name, kind in PORTING.items() if kind is str}
        found["porting"]["asked_by_customer"] = "porting.asked_by_customer" in form
        found["porting"]["withdrawal_waived"] = {"yes": True, "no": False}.get(form.get("porting.withdrawal_waived", ""))
    if form.get("device.sale_mode"):
        found["device"] = {name: _typed(form, f"device.{name}") for name in DEVICE}
    ticked = [name.removesuffix(".code") for name in form if name.startswith("options[") and name.endswith(".code")]
    found["options"] = [
        {name: _typed(form, f"{row}.{name}") for name in ("code", "monthly_price", "data_speed")} for row in ticked
    ]
    ranks = (name.removesuffix(".percent") for name in form if name.startswith("discounts[") and name.endswith(".percent"))
    rows = ({name: _typed(form, f"{row}.{name}") for name in DISCOUNT} for row in ranks)
    found["discounts"] = [row for row in rows if any(value for name, value in row.items() if name != "on")]
    return found


def _typed(form: Form, name: str) -> str:
    text = form.get(name, "").strip()
    return text.replace(",", ".") if name.rpartition(".")[2] in PRICES else text


def values(item: Mapping[str, Any], options: list[str]) -> dict[str, str]:
    """The fields of a form filled from an item; an option stands at the rank of its code in the catalogue."""
    found: dict[str, str] = {}
    for name, value in item.items():
        if name == "options":
            for one in value:
                if one.get("code") in options:
                    rank = options.index(one["code"])
                    found |= {f"options[{rank}].{key}": _shown(key, each) for key, each in one.items()}
        elif name == "discounts":
            for rank, one in enumerate(value):
                found |= {f"discounts[{rank}].{key}": _shown(key, each) for key, each in one.items()}
        elif isinstance(value, Mapping):
            found |= {f"{name}.{key}": _shown(key, each) for key, each in value.items()}
        else:
            found[name] = _shown(name, value)
    return found


def _shown(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value or "").replace(".", ",") if name in PRICES else str(value or "")


def bubbles(faults: list[Any], item: Mapping[str, Any], options: list[str]) -> dict[str, str]:
    """What is wrong by field of the form, from what is wrong by field of the item."""
    found: dict[str, str] = {}
    for fault in faults:
        name = fault.field.partition(".")[2]
        if name.startswith("options["):
            rank = int(name[8 : name.index("]")])
            code = item["options"][rank].get("code")
            name = f"options[{options.index(code)}].{name.partition('.')[2]}" if code in options else "options"
        found.setdefault(name, fault.message)
    return found
