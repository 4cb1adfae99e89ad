"""What an act is judged by beside its lines: the day that it is, the card or the codes that it names."""

from dataclasses import dataclass, field
from datetime import date

from jobs.lines import offers
from jobs.lines.deeds import Act
from jobs.lines.held import Row
from rules.states import ChangeKind
from tables.engine import on_sqlite
from tables.fleet import Line, Sim


@dataclass(frozen=True)
class Ground:
    """`card`: None = not in the stock; `reserved`: it may be reserved, for this very act."""

    today: date
    card: Row | None = None
    reserved: bool = False
    catalogue: offers.Catalogue = field(default_factory=offers.Catalogue)


async def ground_of(act: Act, today: date, locked: bool = False, reserved: bool = False) -> Ground:
    """Read once for an act; the card that it names is held too when `locked`."""
    if act.kind == ChangeKind.change_offer:
        return Ground(today, catalogue=await offers.catalogue())
    if act.kind != ChangeKind.swap_sim:
        return Ground(today)
    query = Sim.select(Sim.id, Sim.iccid, Sim.state).where(Sim.iccid == act.asked["iccid"])
    card = await (query.lock_rows("UPDATE") if locked and not on_sqlite() else query).first()
    if card:
        card["line"] = await Line.exists().where(Line.sim == card["id"])
    return Ground(today, card, reserved)
