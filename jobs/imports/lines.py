"""Taking over a fleet: each line with its customer, card, offer, options and rate table."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from jobs.imports.books import Books, acted_on, billed, lived, open_books
from jobs.imports.fleet_rows import SimUnavailable, write_lines
from jobs.imports.plan import Occasion, Plan, UnknownReference
from rules.errors import RuleError
from rules.files.rows import Intake, Row, Values
from rules.paris import french_date
from rules.states import CustomerKind, LineState, OfferKind, SimState

ALWAYS = {"user_name"}  # what may change whatever the line has lived
Problems = Iterator[tuple[str, RuleError]]


class CommitmentTooLong(RuleError):
    """A commitment that this kind of customer cannot take."""


class BilledUntilMissing(RuleError):
    """A line of the former system without the day up to which it was billed there."""


class LineSettled(RuleError):
    """A change to a line of which days are billed, or that has lived since it was taken over."""


class SharedDay(RuleError):
    """Two lines of one number on the same day."""


@dataclass
class Case:
    """A row, the stored line that it means, and what it would change there."""

    row: Row
    old: Values | None
    after: Values

    @property
    def binding(self) -> bool:
        """Whether more than the user's name is at stake."""
        return self.old is None or bool(self.after.keys() - ALWAYS)


async def plan(intake: Intake, occasion: Occasion) -> Plan:
    plan = Plan(intake)
    books = await open_books(intake.rows)
    stored = {intake.key(line): line for line in books.lines}
    cases = []
    for row in intake.rows:
        old = stored.get(intake.key(row.values))
        cases.append(Case(row, old, plan.merge(row, old)))
    settled = [case.old for case in cases if case.old and case.binding]
    was_billed, changed = await billed(settled), await acted_on(settled)
    cards: dict[str, int] = {}
    good = []
    for case in cases:
        problems = list(_problems(case, books, cards, occasion, was_billed, changed)) if case.binding else []
        for name, problem in problems:
            intake.refuse(case.row, name, problem)
        if case.binding and not problems:
            case.row.values |= _resolved(case.row.values, books, occasion)
            cards[case.row.values["iccid"]] = case.row.line
        if not problems:
            good.append(case)
    for case in _without_shared_days(intake, good, books):
        plan.place(case.row, case.old, case.after)
    return plan


def _problems(
    case: Case, books: Books, cards: dict[str, int], occasion: Occasion, was_billed: set[int], changed: set[int]
) -> Problems:
    """What a row may no longer change, what it refers to in vain, and what its customer or its dates forbid."""
    values, old = case.row.values, case.old
    number, iccid, table, start = values["customer_number"], values["iccid"], values["rate_table"], values["activated_on"]
    if old and (old["id"] in was_billed | changed or lived(old)):
        reason = "Des jours de cette ligne sont facturés" if old["id"] in was_billed else "Cette ligne a changé depuis sa reprise"
        sentence = f"{reason} : seul user_name change encore par import. Passez par la fiche de la ligne."
        yield next(name for name in case.after if name not in ALWAYS), LineSettled(sentence)
        return
    customer = books.customers.get(number)
    if customer is None:
        yield "customer_number", UnknownReference(f"Le client {number} n'existe pas. Importez-le d'abord, ou corrigez le numéro.")
    elif values["commitment_months"] == 36 and customer["kind"] != CustomerKind.business:
        yield "commitment_months", CommitmentTooLong("36 mois : pour un professionnel seulement. Écrivez 24 au plus.")
    sim = books.sims.get(iccid)
    if sim is None:
        yield "iccid", UnknownReference(f"La carte {iccid} n'est pas connue. Importez-la d'abord, ou corrigez l'ICCID.")
    elif iccid in cards:
        yield "iccid", SimUnavailable(f"La ligne {cards[iccid]} du fichier prend déjà cette carte. Donnez-en une autre.")
    elif sim["state"] != SimState.in_stock and not (old and old["iccid"] == iccid):
        label = next(word.label for word in SimState if word == sim["state"])
        yield "iccid", SimUnavailable(f"Cette carte n'est plus en stock ({label}). Donnez-en une autre.")
    for kind, code in _wanted(values):
        if not books.version(kind, code, start, occasion.day):
            name, word = ("offer", "L'abonnement") if kind == OfferKind.offer else ("options", "L'option")
            found = "n'est pas encore en vente" if (kind, code) in books.offers else "n'est pas au catalogue"
            yield name, UnknownReference(f"{word} « {code} » {found}. Importez-en une version, ou corrigez le code.")
    if table not in books.tables:
        yield "rate_table", UnknownReference(f"La grille « {table} » n'existe pas. Importez-la d'abord, ou corrigez le code.")
    if not values["billed_until"] and start < occasion.first_month.first:
        first = occasion.first_month.french
        sentence = f"Ligne active avant {first}, premier mois à facturer : dites jusqu'à quel jour elle est déjà facturée."
        yield "billed_until", BilledUntilMissing(sentence)


def _wanted(values: Values) -> list[tuple[str, str]]:
    """The (kind, code) of the offer, then of the options in the order written."""
    options = values["options"].split("+") if values["options"] else []
    return [(OfferKind.offer.value, values["offer"]), *((OfferKind.option.value, code) for code in options)]


def _resolved(values: Values, books: Books, occasion: Occasion) -> Values:
    """Ids for what the file names, the items to hold at the catalogue's price of today, and the state of the line today."""
    start, today = values["activated_on"], occasion.day
    items = []
    for rank, (kind, code) in enumerate(_wanted(values)):
        version, priced = books.version(kind, code, start, today), books.version(kind, code, today, start)
        assert version  # _problems has seen to it
        assert priced
        item = {"kind": kind, "position": rank, "code": code, "offer": version["id"], "monthly_price": priced["monthly_price"]}
        items.append(item)
    return {
        "customer_id": books.customers[values["customer_number"]]["id"],
        "sim_id": books.sims[values["iccid"]]["id"],
        "table_id": books.tables[values["rate_table"]],
        "commitment_id": books.commitments[f"M{values['commitment_months']}"],
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


def _without_shared_days(intake: Intake, cases: list[Case], books: Books) -> list[Case]:
    """Refuse rows until no number has two lines on one day, those already there and those of the file taken together."""
    while True:
        spans: dict[str, list[Span]] = defaultdict(list)
        meant = {case.old["id"] for case in cases if case.old}
        for line in books.lines:
            if line["id"] not in meant and line["state"] != LineState.cancelled:
                spans[line["msisdn"]].append(_span(line, 0))
        for case in cases:
            if not case.old or case.old["state"] != LineState.cancelled:
                moved = case.old is None or "terminated_on" in case.after
                spans[case.row.values["msisdn"]].append(_span(case.row.values, case.row.line if moved else 0))
        clashes = dict(clash for of_number in spans.values() for clash in _clashes(sorted(of_number)))
        if not clashes:
            return cases
        for case in cases:
            if case.row.line in clashes:
                intake.refuse(case.row, "activated_on", clashes[case.row.line])
        cases = [case for case in cases if case.row.line not in clashes]


Span = tuple[date, date, int, str]  # first and last day, line of the file (0: as it is stored), customer


def _span(values: Values, line: int) -> Span:
    return values["activated_on"], values["terminated_on"] or date.max, line, values["customer_number"]


def _clashes(spans: list[Span]) -> Iterator[tuple[int, RuleError]]:
    """Of two spans that share a day, the one that stands later in the file."""
    widest = spans[0]
    for span in spans[1:]:
        if span[0] <= widest[1]:
            (first, last, line, customer), refused = sorted((widest, span), key=lambda one: one[2])
            where = f"à la ligne {line} du fichier" if line else "dans le parc"
            period = f"du {french_date(first)} " + ("sans fin" if last == date.max else f"au {french_date(last)}")
            sentence = f"Ce numéro a déjà une ligne {where} (client {customer}), {period}. Corrigez l'une des dates."
            yield refused[2], SharedDay(sentence)
        widest = max(widest, span, key=lambda one: one[1])


async def write(plan: Plan, occasion: Occasion) -> None:
    await write_lines(plan)
