"""From the inputs of a month to its drafts, findings and totals. Nothing is written: dry run and real run are this same act."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from gateways import rating
from gateways.rated import UsageRow
from jobs.billing.inputs import CustomerCharge, Inputs, Key, LateMonth, Row
from rules import categories, charges, invoicing, recurring
from rules.errors import RuleError
from rules.invoicing import BillLine, VatTotal
from rules.money import cents
from rules.states import InvoiceKind, Section, Severity

Making = Callable[[], Iterator[BillLine]]


class NoBillingAddress(RuleError):
    """A customer to whom no invoice can be addressed."""


@dataclass(frozen=True)
class Finding:
    code: str
    severity: str
    message: str
    customer_number: str | None = None
    msisdn: str | None = None


@dataclass(frozen=True)
class Draft:
    """What one customer is to be invoiced."""

    customer: Row
    lines: list[BillLine]
    vat: list[VatTotal]
    days: list[rating.DayRow]
    corrects: tuple[str, Any] | None = None

    @property
    def excl_vat_cents(self) -> int:
        return sum(total.base_cents for total in self.vat)

    @property
    def vat_cents(self) -> int:
        return sum(total.vat_cents for total in self.vat)

    @property
    def incl_vat_cents(self) -> int:
        return self.excl_vat_cents + self.vat_cents

    @property
    def kind(self) -> InvoiceKind:
        return invoicing.kind(self.incl_vat_cents)


@dataclass
class Computed:
    drafts: list[Draft] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    parked: list[tuple[Row, str]] = field(default_factory=list)
    totals: dict[str, Any] = field(default_factory=dict)


def compute(inputs: Inputs, rated_to: Path | None = None) -> Computed:
    """Rate the month and the late ones, then make every customer's draft. A customer that fails is parked; the others go on."""
    month = rating.rate(inputs.usage, rated_to)
    late = [(found, rating.rate(found.input)) for found in inputs.late]
    computed = Computed()
    by_customer = _by_customer(inputs, month, late)
    days: dict[int, list[rating.DayRow]] = {}
    for row in month.days:
        days.setdefault(row.customer, []).append(row)
    for customer in sorted(inputs.customers.values(), key=lambda customer: customer["customer_number"]):
        if customer["id"] in inputs.done:
            continue
        try:
            draft = _draft(inputs, customer, by_customer.get(customer["id"], []), days.get(customer["id"], []))
        except (RuleError, ArithmeticError, LookupError, TypeError, ValueError) as reason:
            computed.parked.append((customer, _told(reason)))
            continue
        if draft.lines:
            computed.drafts.append(draft)
    computed.findings = [*_usage_findings(inputs, month, late), *_draft_findings(computed.drafts)]
    computed.totals = _totals(inputs, computed, month, late)
    return computed


def _told(reason: Exception) -> str:
    if isinstance(reason, RuleError):
        return str(reason)
    return (
        f"Le calcul s'est arrêté ({type(reason).__name__} : {reason})."
        " Vérifiez la fiche du client, ses lignes et ses offres, puis refaites les brouillons."
    )


def _by_customer(
    inputs: Inputs, month: rating.RatedMonth, late: list[tuple[LateMonth, rating.RatedMonth]]
) -> dict[int, list[Making]]:
    """What makes the usage and regularisation lines of each customer, in the order of its lines: a failure there is its own."""
    found: dict[int, list[Making]] = {}
    for row in month.usage:
        found.setdefault(inputs.lines[row.line]["customer"], []).append(partial(_usage_lines, inputs, row))
    for known, rated in late:
        for key, difference in _differences(known, rated):
            found.setdefault(inputs.lines[key[0]]["customer"], []).append(partial(_regularisation, known, key, difference))
    return found


def _usage_lines(inputs: Inputs, row: UsageRow) -> Iterator[BillLine]:
    label = categories.label(row.type, row.category)
    for section, part, amount in ((Section.usage, None, row.amount_micro), (Section.third_party, "S", row.service_micro)):
        if cents(amount):
            yield BillLine(
                section=section,
                label=label if part is None else f"Service de tiers, {label[0].lower()}{label[1:]}",
                amount_cents=cents(amount),
                vat_rate=inputs.offer_vat[row.line],
                line=row.line,
                month=str(inputs.month),
                type=row.type,
                category=row.category,
                part=part,
                count=row.count,
                units=row.units,
                covered=row.covered,
            )


def _differences(late: LateMonth, rated: rating.RatedMonth) -> Iterator[tuple[Key, int]]:
    """Cents by the law of the enlarged month, less the cents billed for it so far (billing law § 1.8)."""
    lawful = {}
    for row in rated.usage:
        lawful[row.line, row.type, row.category, ""] = cents(row.amount_micro)
        lawful[row.line, row.type, row.category, "S"] = cents(row.service_micro)
    for key in sorted(lawful.keys() | late.billed.keys()):
        difference = lawful.get(key, 0) - late.billed.get(key, 0)
        if difference:
            yield key, difference


def _regularisation(late: LateMonth, key: Key, difference: int) -> Iterator[BillLine]:
    line, type_, category, part = key
    yield BillLine(
        section=Section.regularisation,
        label=f"Régularisation {late.input.month.french}, {categories.label(type_, category)}",
        amount_cents=difference,
        vat_rate=late.vat_rates[line],
        line=line,
        month=str(late.input.month),
        type=type_,
        category=category,
        part=part or None,
    )


def _draft(inputs: Inputs, customer: Row, usage: list[Making], days: list[rating.DayRow]) -> Draft:
    if customer["id"] in inputs.broken:
        raise inputs.broken[customer["id"]]
    lines: list[BillLine] = []
    for line in inputs.lines_of.get(customer["id"], []):
        for item in inputs.items.get(line["id"], []):
            for charge in recurring.charges(item, inputs.month, customer["discount_percent"]):
                lines.append(_charge_line(line["id"], item.id, charge, inputs.vat_rates[item.id]))
    for owed in inputs.charges.get(customer["id"], []):
        for charge in charges.charges(owed.owed, inputs.month, customer["discount_percent"]):
            lines.append(_owed_line(owed, charge))
    lines += chain.from_iterable(make() for make in usage)
    if lines and not (customer["city"] or customer["billing_city"]):
        raise NoBillingAddress("Aucune adresse de facturation. Complétez la fiche du client, puis refaites les brouillons.")
    day = inputs.month.last
    lines = invoicing.in_order(_at_rate(line, invoicing.vat_rate(customer["vat_regime"], line.vat_rate, day)) for line in lines)
    draft = Draft(customer, lines, invoicing.totals(lines), days)
    return Draft(customer, lines, draft.vat, days, _reference(inputs, draft)) if draft.kind == InvoiceKind.credit_note else draft


def _at_rate(line: BillLine, rate: Decimal) -> BillLine:
    return line if rate == line.vat_rate else BillLine(**{**line.__dict__, "vat_rate": rate})


def _charge_line(line: int | None, item: int | None, charge: recurring.Charge, vat_rate: Decimal) -> BillLine:
    return BillLine(
        section=charge.section,
        label=charge.label,
        amount_cents=charge.amount_cents,
        vat_rate=vat_rate,
        line=line,
        item=item,
        unit_micro=charge.unit_micro,
        first=charge.first,
        last=charge.last,
        days=charge.days if charge.days_in_month else None,
        days_in_month=charge.days_in_month or None,
    )


def _owed_line(owed: CustomerCharge, charge: recurring.Charge) -> BillLine:
    line = _charge_line(owed.line, None, charge, owed.vat_rate)
    return replace(line, charge=owed.id, quantity=charge.quantity, nature="goods" if owed.goods else None)


def _reference(inputs: Inputs, draft: Draft) -> tuple[str, Any] | None:
    """The invoice that a credit note corrects: our last one, else that of the former system."""
    ours = inputs.references.get(draft.customer["id"])
    if ours:
        return ours
    for line in draft.lines:
        row = inputs.lines.get(line.line or 0)
        if row and row["billed_by_number"]:
            return row["billed_by_number"], row["billed_by_date"]
    if inputs.reseller.get("former_invoice_number"):
        return inputs.reseller["former_invoice_number"], inputs.reseller["former_invoice_on"]
    return None


def _unrated(month: rating.RatedMonth, late: list[tuple[LateMonth, rating.RatedMonth]]) -> list[rating.Unrated]:
    """The month's calls without a rate, and the late ones that no run has counted yet."""
    return month.unrated + [found for known, rated in late for found in rated.unrated if found.part in known.fresh]


def _usage_findings(
    inputs: Inputs, month: rating.RatedMonth, late: list[tuple[LateMonth, rating.RatedMonth]]
) -> Iterator[Finding]:
    unrated: dict[int, tuple[int, str]] = {}
    for found in _unrated(month, late):
        unrated[found.line] = unrated.get(found.line, (0, ""))[0] + found.count, found.other
    for line, (count, other) in sorted(unrated.items()):
        shown = other.lstrip("=") if other.startswith("=") else f"+{other}"
        message = f"{count} CDR sans tarif, vers {shown if other else 'un numéro masqué'}."
        yield _about("UNRATED", Severity.blocking, message, inputs, line)
    for line, count in sorted(month.changed.items()):
        message = (
            f"{count} CDR hors des dates de la ligne depuis que celles-ci ont changé : ils restent hors de cette facturation."
        )
        yield _about("LINE_CHANGED", Severity.blocking, message, inputs, line)


def _about(code: str, severity: str, message: str, inputs: Inputs, line: int) -> Finding:
    row = inputs.lines.get(line)
    if row is None:
        return Finding(code, severity, message)
    return Finding(code, severity, message, inputs.customers[row["customer"]]["customer_number"], row["msisdn"])


def _draft_findings(drafts: list[Draft]) -> Iterator[Finding]:
    for draft in drafts:
        if draft.kind == InvoiceKind.credit_note and draft.corrects is None:
            message = "Avoir sans facture de référence : ni la nôtre, ni celle de l'ancien système."
            yield Finding("CREDIT_NOTE_WITHOUT_REFERENCE", Severity.warning, message, draft.customer["customer_number"])


def _totals(
    inputs: Inputs, computed: Computed, month: rating.RatedMonth, late: list[tuple[LateMonth, rating.RatedMonth]]
) -> dict[str, Any]:
    credit_notes = [draft for draft in computed.drafts if draft.kind == InvoiceKind.credit_note]
    regularised = [line for draft in computed.drafts for line in draft.lines if line.section == Section.regularisation]
    return {
        "invoices": len(computed.drafts) - len(credit_notes),
        "credit_notes": len(credit_notes),
        "parked": len(computed.parked),
        "excl_vat_cents": sum(draft.excl_vat_cents for draft in computed.drafts),
        "vat_cents": sum(draft.vat_cents for draft in computed.drafts),
        "incl_vat_cents": sum(draft.incl_vat_cents for draft in computed.drafts),
        **inputs.file_totals,
        "unrated": sum(found.count for found in _unrated(month, late)),
        "rated": sum(row.count for row in month.usage),
        "amount_micro": sum(row.amount_micro for row in month.usage),
        "service_micro": sum(row.service_micro for row in month.usage),
        "wholesale_micro": sum(row.wholesale_micro for row in month.usage),
        "regularised_cents": sum(line.amount_cents for line in regularised),
    }
