"""An order that cannot be submitted, with all that is to be corrected."""

from collections.abc import Iterable
from dataclasses import asdict

from rules.errors import RuleError
from rules.orders import Fault, SimReserved


class OrderIncomplete(RuleError):
    """An order with faults; `errors` names each at its field."""

    def __init__(self, faults: list[Fault]) -> None:
        self.errors = [asdict(fault) for fault in faults]
        many = f"{len(faults)} choses sont à corriger avant de valider. Rien n'a été fait."
        super().__init__(f"{faults[0].message} Rien n'a été fait." if len(faults) == 1 else many)


def refuse(found: Iterable[Fault]) -> None:
    """Raises OrderIncomplete, or SimReserved for a card that another order holds."""
    faults = list(found)
    for fault in faults:
        if fault.code == "SIM_RESERVED":
            raise SimReserved(fault.message)
    if faults:
        raise OrderIncomplete(faults)
