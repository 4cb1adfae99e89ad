"""What an accountant may set: the account of each family of sales, and of each VAT rate (plan comptable général)."""

from collections.abc import Iterator

from rules import vat
from rules.errors import RuleError
from rules.files import cells
from rules.files.rows import Column, Kind, Values
from rules.journal import Family


class NotAnAccount(RuleError):
    """A code that the FEC layout refuses."""


def _account(values: Values) -> Iterator[tuple[str, RuleError]]:
    number = values["number"]
    if values["family"] == Family.journal:
        if values["vat_rate"] is not None:
            yield "vat_rate", NotAnAccount("Le journal n'a pas de taux. Videz cette case.")
    elif not number[:3].isdecimal():
        yield "number", NotAnAccount(f"« {number} » n'est pas un compte : il commence par trois chiffres, par exemple 706000.")


ACCOUNTS = Kind(
    "accounts",
    (
        Column("family", cells.one_of(Family)),
        Column("vat_rate", vat.rate, None),
        Column("number", cells.matching("[0-9A-Z]{2,12}", "des chiffres et des majuscules, de 2 à 12"), longest=12),
        Column("label", cells.text, longest=60),
    ),
    ("family", "vat_rate"),
    _account,
)
