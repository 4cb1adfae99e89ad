"""Taking over a fleet: each line with its customer, card, offer, options and rate table."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date

from jobs.imports.books import Books, billed, lived, open_books
from jobs.imports.fleet_rows import write_lines
from jobs.imports.plan import Occasion, Plan, UnknownReference
from rules.errors import RuleError
from rules.files.rows import Intake, Row, Values
from rules.paris import french_date
from rules.states import CustomerKind, LineState, OfferKind, SimState

FREE = {"user_name"}  # what may change whatever the line has lived
FINAL = (LineState.ported_out, LineState.cancelled)
Problems = Iterator[tuple[str, RuleError]]
Kept = list[tuple[Row, Values | None, Values]]


class SimUnavailable(RuleError):
    """A SIM card that is not in stock, or that another row takes."""


class CommitmentTooLong(RuleError):
    """A commitment that this kind of customer cannot take."""


class BilledUntilMissing(RuleError):
    """A line of the former system without the day up to which it was billed there."""


class LineSettled(RuleError):
    """A change to a line of which days are billed, or that has lived since it was taken over."""


class SharedDay(RuleError):
    """Two lines of one number on the same day."""


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    books = await open_books(intake.rows)
    stored = {intake.key(line): line for line in books.lines}
    kept: Kept = []
    cards: dict[str, int] = {}
    for row in intake.rows:
        old = stored.get(intake.key(row.values))
        after = plan.merge(row, old)
        if old is None or after.keys() - FREE:
            problems = list(_problems(row, old, books, cards, occasion))
            for name, problem in problems:
                intake.refuse(row, name, problem)
            if problems:
                continue
            row.values |= _resolved(row.values, books, occasion)
            cards[row.values["iccid"]] = row.line
        kept.append((row, old, after))
    kept = _without_shared_days(intake, kept, books)
    was_billed = await billed([old for _, old, after in kept if old and after.keys() - FREE])
    for row, old, after in kept:
        plan.place(row, old, after, _locked(old, was_billed) if old and after.keys() - FREE else None)
    return plan


def _problems(row: Row, old: Values | None, books: Books, cards: dict[str, int], occasion: Occasion) -> Problems:
    """What a row refers to in vain, and what its customer or its dates forbid."""
    values = row.values
    number, iccid, start = values["customer_number"], values["iccid"], values["activated_on"]
    customer, sim = books.customers.get(number), books.sims.get(iccid)
    if customer is None:
        yield "customer_number", UnknownReference(f"Le client {number} n'existe pas. Importez-le d'abord, ou corrigez le numéro.")
    elif values["commitment_months"] == 36 and customer["kind"] != CustomerKind.business:
        yield (
            "commitment_months",
            CommitmentTooLong("36 mois : pour les professionnels seulement. Un particulier s'engage 24 mois au plus."),
        )
    if sim is None:
        yield "iccid", UnknownReference(f"La carte {iccid} n'est pas dans le stock. Importez-la d'abord, ou corrigez l'ICCID.")
    elif iccid in cards:
        yield (
            "iccid",
            SimUnavailable(f"La carte {iccid} est déjà prise par la ligne {cards[iccid]} du fichier. Donnez-en une autre."),
        )
    elif sim["state"] != SimState.in_stock and not (old and old["iccid"] == iccid):
        yield (
            "iccid",
            SimUnavailable(f"La carte {iccid} n'est pas libre (état : {SimState(sim['state']).label}). Donnez-en une autre."),
        )
    for kind, code in _wanted(values):
        if not books.version(kind, code, start, occasion.day):
            name = "offer" if kind == OfferKind.offer else "options"
            found = "n'est pas encore en vente" if (kind, code) in books.offers else "n'est pas au catalogue"
            yield (
                name,
                UnknownReference(
                    f"« {code} » ({OfferKind(kind).label.lower()}) {found}. Importez-en une version, ou corrigez le code."
                ),
            )
    if values["rate_table"] not in books.tables:
        yield (
            "rate_table",
            UnknownReference(f"La grille « {values['rate_table']} » n'existe pas. Importez-la d'abord, ou corrigez le code."),
        )
    if not values["billed_until"] and start < occasion.first_month.first:
        first = occasion.first_month.french
        yield (
            "billed_until",
            BilledUntilMissing(f"Active avant {first}, premier mois à facturer : dites jusqu'à quel jour elle l'a été."),
        )


def _wanted(values: Values) -> list[tuple[str, str]]:
    """The (kind, code) of the offer, then of the options in the order written."""
    options = values["options"].split("+") if values["options"] else []
    return [(OfferKind.offer.value, values["offer"]), *((OfferKind.option.value, code) for code in options)]


def _resolved(values: Values, books: Books, occasion: Occasion) -> Values:
    """Ids for what the file names, the items to hold, and the state of the line today."""
    start, today = values["activated_on"], occasion.day
    items = []
    for rank, (kind, code) in enumerate(_wanted(values)):
        version, priced = books.version(kind, code, start, today), books.version(kind, code, today, start)
        assert version and priced
        items.append(
            {"kind": kind, "position": rank, "code": code, "offer": version["id"], "monthly_price": priced["monthly_price"]}
        )
    return {
        "customer_id": books.customers[values["customer_number"]]["id"],
        "sim_id": books.sims[values["iccid"]]["id"],
        "table_id": books.tables[values["rate_table"]],
        "commitment_id": books.commitments[values["commitment_months"]],
        "wanted": items,
        "state": state_on(today, start, values["terminated_on"]).value,
    }


def state_on(today: date, activated_on: date, terminated_on: date | None) -> LineState:
    """The state of a line taken over with these dates."""
    if today < activated_on:
        return LineState.pending
    if terminated_on is None:
        return LineState.active
    return LineState.termination_scheduled if today <= terminated_on else LineState.terminated


def _locked(old: Values, was_billed: set[int]) -> RuleError | None:
    if old["id"] in was_billed:
        return LineSettled(
            "Des jours de cette ligne sont facturés : seul user_name change encore par import. Passez par sa fiche."
        )
    if lived(old) or old["state"] in FINAL:
        return LineSettled(
            "Cette ligne a changé depuis sa reprise : seul user_name change encore par import. Passez par sa fiche."
        )
    return None


def _without_shared_days(intake: Intake, kept: Kept, books: Books) -> Kept:
    """Refuse rows until no number has two lines on one day, those already there and those of the file taken together."""
    while True:
        spans: dict[str, list[tuple[date, date, int, str]]] = defaultdict(list)
        replaced = {old["id"] for _, old, _ in kept if old}
        for line in books.lines:
            if line["id"] not in replaced and line["state"] != LineState.cancelled:
                spans[line["msisdn"]].append((*_span(line), 0, f"la ligne du client {line['customer_number']}"))
        for row, old, _ in kept:
            if not old or old["state"] != LineState.cancelled:
                spans[row.values["msisdn"]].append((*_span(row.values), row.line, f"la ligne {row.line} du fichier"))
        clashes = dict(clash for of_number in spans.values() for clash in _clashes(sorted(of_number)))
        if not clashes:
            return kept
        for row, _, _ in kept:
            if row.line in clashes:
                intake.refuse(row, "activated_on", clashes[row.line])
        kept = [line for line in kept if line[0].line not in clashes]


def _span(values: Values) -> tuple[date, date]:
    return values["activated_on"], values["terminated_on"] or date.max


def _clashes(spans: list[tuple[date, date, int, str]]) -> Iterator[tuple[int, RuleError]]:
    """Of two spans that share a day, the one that stands later in the file."""
    widest = spans[0]
    for span in spans[1:]:
        if span[0] <= widest[1]:
            other, refused = sorted((widest, span), key=lambda one: one[2])
            first, last = french_date(other[0]), "sans fin" if other[1] == date.max else f"au {french_date(other[1])}"
            yield (
                refused[2],
                SharedDay(f"Ce numéro a déjà {other[3]}, du {first} {last}. Une seule ligne par jour : corrigez une date."),
            )
        widest = max(widest, span, key=lambda one: one[1])


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_lines(plan)
