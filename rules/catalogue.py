"""What a clerk may type in the catalogue, and the moves of a device in stock."""

from dataclasses import replace

from rules import vat
from rules.files import cells, kinds
from rules.files.rows import Column, Kind
from rules.states import ProductKind, UnitState

PRODUCTS = Kind(
    "products",
    (
        Column("code", kinds.code, longest=32),
        Column("kind", cells.one_of(ProductKind)),
        Column("label", cells.text),
        Column("recurring", cells.yes_no),
        Column("price", cells.decimal(4)),
        Column("vat_rate", vat.rate),
        Column("valid_from", cells.iso_date),
    ),
    ("code", "valid_from"),
)
DEVICES = Kind(
    "devices",
    (
        Column("code", kinds.code, longest=32),
        Column("brand", cells.text, longest=60),
        Column("model", cells.text),
        Column("price", cells.decimal(4)),
        Column("vat_rate", vat.rate),
        Column("valid_from", cells.iso_date),
    ),
    ("code", "valid_from"),
)
OFFERS = replace(
    kinds.OFFERS,
    columns=tuple(replace(column, parse=vat.rate) if column.name == "vat_rate" else column for column in kinds.OFFERS.columns),
)
"""As a file brings them, but for the VAT rate: a file may bring any, and is warned."""

UNIT_MOVES = {
    UnitState.in_stock: (UnitState.sold, UnitState.faulty),
    UnitState.sold: (UnitState.in_stock,),
    UnitState.faulty: (UnitState.in_stock,),
}
