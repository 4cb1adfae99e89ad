"""Money through its verbs, on both engines: what a payment pays, what a bank collects and gives back, who is reminded of what."""

import asyncio
import hashlib
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateways.settings import SETTINGS
from jobs import customers, reseller
from jobs.money import balances, bank, debits, payments, reminders
from rules.moves import IllegalState
from rules.receivables import Debt, allocate, next_level
from rules.sepa import NoticeTooShort, check_notice
from rules.states import DebitState, MailKind
from tables.catalogue import RateTable
from tables.engine import NOT_UNIQUE
from tables.fleet import Line
from tables.invoices import Invoice
from tables.mail import Mail
from tables.money import Allocation, Debit, DebitBatch, Payment
from tables.parties import Customer
from tests.word_samples import invoiced

NOW = datetime(2026, 12, 10, 9, tzinfo=UTC)
WHO = {"actor": "camille", "now": NOW}
IBAN = "FR1420041010050500013M02606"


async def debitor(name="Ardoise Dubois", number="F2026-000001", cents=12_000, **more):
    customer = await invoiced(name, number, cents)
    values = {
        "payment_method": "DIRECT_DEBIT", "iban": IBAN, "mandate_reference": f"RUM-{name[:3]}", "mandate_date": date(2026, 1, 5),
        "mandate_type": "CORE", "billing_email": f"{name[:3].lower()}@client.example",
    } | more  # fmt: skip
    await Customer.update(values).where(Customer.id == customer.id)
    return customer


async def paid(cents, number="ARD", **more):
    return await payments.record(number, cents, "TRANSFER", date(2026, 12, 9), **(WHO | more))


async def left(number="F2026-000001"):
    return {row["number"]: row["left_cents"] for row in await balances.debts()}.get(number, 0)


async def test_a_payment_pays_the_oldest_and_what_is_over_is_held(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    await paid(5_000)
    assert await left() == 7_000
    await paid(10_000)
    assert await left() == 0
    ((held),) = await balances.credits()
    assert held["left_cents"] == 3_000
    (balance,) = await balances.balances(date(2026, 12, 10))
    assert (balance.due_cents, balance.held_cents) == (0, 3_000)


async def test_a_payment_taken_back_makes_its_invoice_due_again_once(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    key = await paid(12_000)
    await payments.reverse(key, "chèque sans provision", **WHO)
    assert await left() == 12_000
    assert await balances.credits() == []
    with pytest.raises(payments.AlreadyReversed):
        await payments.reverse(key, "encore", **WHO)


async def test_a_form_sent_twice_records_one_payment(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    await paid(5_000, key="jeton")
    with pytest.raises(payments.AlreadyRecorded):
        await paid(5_000, key="jeton")
    assert await Payment.count() == 1


@pytest.mark.parametrize("table", [Payment, Allocation])
async def test_the_database_itself_keeps_payments_as_they_are(database, table):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    await paid(5_000)
    name = table._meta.tablename
    for act in (f"UPDATE {name} SET amount_cents = 1", f"DELETE FROM {name}"):
        with pytest.raises(Exception, match="frozen"):
            await table.raw(act)


@pytest.mark.parametrize("cents", [0, -1, 10**12])
async def test_what_is_no_payment_is_refused(database, cents):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    with pytest.raises(payments.BadPayment):
        await paid(cents)


async def test_a_payment_of_tomorrow_or_of_nobody_is_refused(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    with pytest.raises(payments.BadPayment, match="à venir"):
        await payments.record("ARD", 100, "TRANSFER", date(2026, 12, 11), **WHO)
    with pytest.raises(customers.UnknownCustomer):
        await paid(100, "NUL")


async def test_a_credit_note_is_put_on_the_oldest_invoice(database):
    customer = await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    await Invoice(
        customer=customer.id, kind="CREDIT_NOTE", state="validated", number="A2026-000001", issued_on=date(2026, 12, 1),
        due_on=date(2026, 12, 1), incl_vat_cents=-2_000, document="{}",
    ).save()  # fmt: skip
    assert await payments.net_one("ARD", **WHO) == 2_000
    assert (await left(), await balances.credits()) == (10_000, [])
    assert await payments.net_one("ARD", **WHO) == 0


async def test_a_credit_note_pays_first_the_invoice_that_it_corrects(database):
    customer = await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    later = Invoice(
        customer=customer.id, kind="INVOICE", state="validated", number="F2026-000002", issued_on=date(2026, 12, 1),
        due_on=date(2026, 12, 31), incl_vat_cents=3_000, document="{}",
    )  # fmt: skip
    await later.save()
    await Invoice(
        customer=customer.id, kind="CREDIT_NOTE", state="validated", number="A2026-000001", issued_on=date(2026, 12, 1),
        due_on=date(2026, 12, 1), incl_vat_cents=-4_000, corrects="F2026-000002", document="{}",
    ).save()  # fmt: skip
    assert await payments.net_one("ARD", **WHO) == 4_000
    assert (await left("F2026-000002"), await left(), await balances.paid_cents(later.id)) == (0, 11_000, 3_000)


async def test_a_batch_is_valid_for_the_bank_and_kept_as_sent(database):
    await reseller.current()
    await debitor()
    await debitor("Été & Fils", "F2026-000002", 999)
    batch = await debits.get(await debits.prepare("CORE", date(2026, 12, 17), **WHO))
    data = (SETTINGS.data_dir / batch["path"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == batch["sha256"]
    ns = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.008.001.08"}
    tree = etree.fromstring(data)
    assert tree.xpath("//p:DrctDbtTxInf/p:InstdAmt/text()", namespaces=ns) == ["120.00", "9.99"]
    assert tree.xpath("//p:Dbtr/p:Nm/text()", namespaces=ns) == ["Ardoise Dubois", "Ete & Fils"]
    assert tree.xpath("//p:SeqTp/text()", namespaces=ns) == ["FRST"]
    assert (batch["debits"], batch["total_cents"], len(batch["rows"])) == (2, 12_999, 2)


async def test_no_invoice_stands_in_two_batches(database):
    await reseller.current()
    await debitor()
    await debits.prepare("CORE", date(2026, 12, 17), **WHO)
    with pytest.raises(debits.NothingToCollect):
        await debits.prepare("CORE", date(2026, 12, 18), **WHO)
    (row,) = await Debit.select()
    del row["id"]
    with pytest.raises(NOT_UNIQUE):
        await Debit(**(row | {"end_to_end": "autre"})).save()


async def test_of_two_batches_made_at_once_one_takes_the_invoice(database, monkeypatch):
    await reseller.current()
    await debitor()
    candidates, both = debits.candidates, asyncio.Barrier(2)

    async def seen_by_both(day):
        found = await candidates(day)
        await both.wait()
        return found

    monkeypatch.setattr(debits, "candidates", seen_by_both)
    later = {"actor": "claude", "now": NOW.replace(second=1)}
    made = [debits.prepare("CORE", date(2026, 12, 17), **who) for who in (WHO, later)]
    answers = await asyncio.gather(*made, return_exceptions=True)
    assert sorted(type(answer).__name__ for answer in answers) == ["AccountMoved", "int"]
    assert (await DebitBatch.count(), await Debit.count()) == (1, 1)


async def test_what_is_collected_is_paid_and_what_comes_back_is_due_with_the_reason(database):
    await reseller.current()
    await debitor()
    key = await debits.prepare("CORE", date(2026, 12, 17), **WHO)
    await debits.move(key, DebitState.sent, **WHO)
    assert await debits.collect(NOW) == 0
    after = datetime(2026, 12, 17, 8, tzinfo=UTC)
    assert (await debits.collect(after), await left()) == (1, 0)
    assert await debits.collect(after) == 0
    (row,) = (await debits.get(key))["rows"]
    data = f"reference;motif\n{row['end_to_end']};AM04 provision insuffisante\nX-1;AM04\n".encode()
    done, refused, errors = await bank.take_returns(data, "rejets.csv", actor="camille", now=after)
    assert (done, [reference for reference, _ in refused], errors) == (1, ["X-1"], [])
    assert await left() == 12_000
    (row,) = (await debits.get(key))["rows"]
    assert (row["state"], row["reason"]) == ("returned", "AM04 provision insuffisante")
    assert len(await debits.candidates(date(2027, 1, 7))) == 1, "it may be collected again"


async def test_batches_of_one_second_keep_each_its_own_file(database):
    await reseller.current()
    await debitor()
    first = await debits.get(await debits.prepare("CORE", date(2026, 12, 17), **WHO))
    await debits.move(first["id"], DebitState.cancelled, **WHO)
    second = await debits.get(await debits.prepare("CORE", date(2026, 12, 18), **WHO))
    for batch in (first, second):
        data = (SETTINGS.data_dir / batch["path"]).read_bytes()
        assert hashlib.sha256(data).hexdigest() == batch["sha256"] and batch["name"].encode() in data
        assert all(len(row["end_to_end"]) <= 35 for row in batch["rows"])


async def test_a_batch_given_to_the_bank_is_not_cancelled(database):
    await reseller.current()
    await debitor()
    key = await debits.prepare("CORE", date(2026, 12, 17), **WHO)
    await debits.move(key, DebitState.sent, **WHO)
    with pytest.raises(IllegalState):
        await debits.move(key, DebitState.cancelled, **WHO)


@pytest.mark.parametrize(
    "customer,why",
    [
        ({"mandate_reference": ""}, "mandat est incomplet"),
        ({"mandate_date": date(2023, 12, 1)}, "n'a pas servi depuis 36 mois"),
        ({"iban": ""}, "mandat est incomplet"),
    ],
)
async def test_a_mandate_that_does_not_hold_is_said_so(database, customer, why):
    await debitor(**customer)
    (one,) = await debits.candidates(date(2026, 12, 17))
    assert why in one.problem


def test_an_invoice_announces_its_debit_fourteen_days_ahead():
    with pytest.raises(NoticeTooShort, match="16 novembre 2026"):
        check_notice(date(2026, 11, 2), date(2026, 11, 2), date(2026, 11, 15))
    check_notice(date(2026, 11, 2), date(2026, 11, 2), date(2026, 11, 16))


async def test_a_statement_names_whose_each_credit_is_and_is_recorded_once(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_000)
    await invoiced("Boulangerie Petit", "F2026-000002", 4_550)
    data = "Date;Montant;Libellé\n08/12/2026;120,00;VIR ARDOISE f2026-000001\n09/12/2026;45,50;VIR SANS REFERENCE\n"
    data += "09/12/2026;7,00;INCONNU\n09/12/2026;-12,00;FRAIS\n"
    rows, errors = await bank.read(data.encode(), "releve.csv")
    assert errors == []
    assert [row.customer and row.customer["customer_number"] for row in rows] == ["ARD", "BOU", None]
    owners = {row.key: row.customer["customer_number"] for row in rows if row.customer}
    assert await bank.confirm(rows, owners, **WHO) == (2, [])
    assert await balances.debts() == []
    again, _ = await bank.read(data.encode(), "releve.csv")
    assert [row.known for row in again] == [True, True, False]
    assert (await bank.confirm(rows, owners, **WHO))[0] == 0


async def test_each_reminder_leaves_on_its_day_and_once(database, monkeypatch):
    await reseller.current()
    await debitor(payment_method="TRANSFER")
    kinds = []
    for day in (4, 6, 6, 7, 16, 31):  # the invoice was due on the 1st
        monkeypatch.setattr(SETTINGS, "clock", datetime(2026, 12, day, 9, tzinfo=UTC))
        await reminders.remind()
        kinds.append([row["kind"] for row in await Mail.select(Mail.kind).order_by(Mail.id)])
    one, two, three = "reminder_1", "reminder_2", "reminder_3"
    assert kinds == [[], [one], [one], [one], [one, two], [one, two, three]]
    mail = (await Mail.select().order_by(Mail.id))[0]
    assert "120,00" in mail["text"] and "F2026-000001" in mail["subject"]


async def test_what_is_paid_or_being_collected_is_not_reminded_of(database, monkeypatch):
    await reseller.current()
    await debitor()
    await debitor("Boulangerie Petit", "F2026-000002", 4_550)
    await debits.prepare("CORE", date(2026, 12, 17), **WHO)
    monkeypatch.setattr(SETTINGS, "clock", NOW)
    await reminders.remind()
    assert await Mail.count() == 0


async def test_a_restriction_is_only_proposed_and_only_after_the_formal_notice(database):
    customer = await debitor(payment_method="TRANSFER")
    row = Customer.select().where(Customer.id == customer.id).first()
    debt = (await balances.debts())[0]
    late = reminders.Late(debt, await row, 70, {MailKind.reminder_1: date(2026, 12, 1)}, None)
    assert await reminders.to_suspend([late], 60) == []
    told = reminders.Late(debt, await row, 70, {MailKind.formal_notice: date(2026, 12, 1)}, None)
    assert await reminders.to_suspend([told], 60) == [], "no line of this customer is free"
    table = RateTable(code="STD")
    await table.save()
    day = date(2026, 1, 1)
    await Line(msisdn="+33639980001", customer=customer.id, rate_table=table.id, activated_on=day, state="active").save()
    assert await reminders.to_suspend([late], 60) == []
    ((who, cents, lines),) = await reminders.to_suspend([told], 60)
    assert (who["customer_number"], cents, lines) == ("ARD", 12_000, 1)
    assert await reminders.to_suspend([told], 71) == [], "not late enough"
    assert await reminders.to_suspend([told], 0) == [], "never, by the setting"
    assert (await Line.select(Line.state).first())["state"] == "active"


@given(st.integers(0, 10_000), st.lists(st.tuples(st.dates(), st.integers(1, 3_000)), max_size=8))
def test_what_is_allocated_is_never_more_than_what_is_owed_nor_than_what_came(amount, owed):
    debts = [Debt(rank, day, cents) for rank, (day, cents) in enumerate(owed)]
    parts = allocate(amount, debts)
    assert sum(cents for _, cents in parts) == min(amount, sum(debt.left_cents for debt in debts))
    assert all(0 < cents <= debts[invoice].left_cents for invoice, cents in parts)


def test_reminders_never_leave_two_on_one_day():
    today = date(2026, 12, 20)
    assert next_level(date(2026, 10, 1), today, (5, 15), {MailKind.reminder_1: today}) is None
    assert next_level(date(2026, 10, 1), today, (5, 15), {}) == MailKind.reminder_1
