"""Many lines of an order at once: the columns of a pasted table, and the items that its rows ask for."""

from typing import Any

from rules.files import cells
from rules.files.rows import Column, Kind, Values
from rules.states import OrderItemKind

PORTING = ("msisdn", "rio", "porting_date", "time_slot")
PLAIN = ("user_name", "iccid", "offer", "commitment_type", "billing_terms", "monthly_price", "rate_table", "activated_on")
COLUMNS = (
    *("user_name", "iccid", "offer", "commitment_type", "billing_terms", "options", "monthly_price", "data_speed"),
    *(*PORTING, "discount_percent", "rate_table", "activated_on"),
)
NEEDED = COLUMNS[:5]
ROWS = Kind("order_lines", tuple(Column(name, cells.text, "", required=name in NEEDED) for name in COLUMNS), COLUMNS)
"""Cells stay texts here: the law of orders judges them, in the same words as on the page."""


def item(values: Values) -> dict[str, Any]:
    """The item that a row asks for.

    >>> item({"user_name": "Léa", "offer": "SOLO", "options": "OPT-A+OPT-B", "msisdn": "", "discount_percent": "10"})["options"]
    [{'code': 'OPT-A', 'data_speed': None}, {'code': 'OPT-B', 'data_speed': None}]
    """
    porting = {name: values[name] for name in PORTING if values.get(name)}
    codes = values["options"].split("+") if values.get("options") else []
    percent = values.get("discount_percent")
    return {
        "kind": OrderItemKind.line.value,
        **{name: values.get(name) for name in PLAIN},
        "porting": porting or None,
        "options": [{"code": code, "data_speed": values.get("data_speed")} for code in codes],
        "discounts": [{"on": values["offer"], "percent": percent}] if percent else [],
    }


def column(field: str) -> str:
    """The column in which the field of an item stands.

    >>> column("items[3].porting.rio"), column("items[0].options[1].code"), column("items[0].discounts[0].percent")
    ('rio', 'options', 'discount_percent')
    """
    _, _, path = field.partition(".")
    last = path.rpartition(".")[2]
    if path.startswith("discounts"):
        return "discount_percent"
    return "options" if path.startswith("options") and last != "data_speed" else last
