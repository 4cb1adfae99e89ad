"""Chapter F of the manual: a customer, from its number to its bill, as a clerk writes it on its page."""

import asyncio
import html
import re
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from jobs import customers
from jobs.imports import import_file
from rules.errors import RuleError
from tables.parties import Customer
from tables.timeline import story
from tests.endpoints.visitor import EMAIL
from tests.import_samples import CUSTOMERS

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
NEW = {
    "customer_number": "C000500", "company_name": "Menuiserie Noël & Fils", "kind": "BUSINESS", "street": "1 rue du Modèle",
    "postcode": "69000", "city": "Lyon", "payment_method": "TRANSFER", "detailed_bill": "1", "hide_digits": "1",
}  # fmt: skip
IBAN = "FR7630006000011234567890189"
WRONG_RIB_KEY = "FR0630006000011234567890188"  # its modulo 97 is right: only the RIB key tells


async def post(clerk, path, **form):
    token = re.search(r'name="_csrf_token" value="(\w+)"', (await clerk.get("/clients/nouveau")).text)[1]
    return await clerk.post(f"/clients{path}", data={"_csrf_token": token, **form})


async def create(clerk, **changes):
    return await post(clerk, "/nouveau", **(NEW | changes))


async def edit(clerk, number, **changes):
    """The form of a customer as it is shown, with some fields changed."""
    page = (await clerk.get(f"/clients/{number}/modifier")).text
    version = re.search(r'name="version" value="(\w+)"', page)[1]
    ticks = dict.fromkeys(("detailed_bill", "hide_digits"), "1")
    form = customers.form_of(await customers.get(number)) | ticks | {"version": version} | changes
    return await post(clerk, f"/{number}/modifier", **form)


async def stored(number="C000500"):
    return await Customer.select().where(Customer.customer_number == number).first()


def words(answer):
    return html.unescape(answer.text).replace("\u202f", " ").replace("\xa0", " ").replace("’", "'")


async def test_f1_a_customer_has_a_number_of_its_own_proposed_or_carried_over(clerk):
    assert 'value="C000001"' in (await clerk.get("/clients/nouveau")).text, "the first number is proposed"
    answer = await create(clerk)
    assert (answer.status_code, answer.headers["location"]) == (303, "/clients/C000500?fait=cree")
    page = words(await clerk.get(answer.headers["location"]))
    assert "Le client est créé." in page and "/commandes/nouvelle?client=C000500" in page
    assert 'value="C000501"' in (await clerk.get("/clients/nouveau")).text, "the one after the last"
    assert (await create(clerk)).status_code == 303 and await Customer.count() == 1, "the same form sent twice makes one"

    refused = await create(clerk, company_name="Un autre", login="autre")
    assert refused.status_code == 422 and "« C000500 » est déjà celui du client C000500." in words(refused)
    assert 'value="Un autre"' in refused.text, "what was typed is still there"
    carried = await create(clerk, customer_number="Ancien_42", company_name="Repris", login="")
    assert carried.status_code == 303 and (await stored("Ancien_42"))["company_name"] == "Repris"

    report = await import_file("customers", CUSTOMERS.encode(), "c.csv", mode="all", actor="essai", now=NOW)
    assert (report.created, report.errors) == (2, ())
    assert "Société Imaginaire" in (await clerk.get("/clients?q=societe imaginaire")).text
    assert (await clerk.get("/clients/INCONNU")).status_code == 404
    entry = (await story("customer", (await stored())["id"]))[-1]
    assert (entry["event"], entry["actor"], entry["after"]["company_name"]) == ("created", EMAIL, NEW["company_name"])


async def test_f2_the_exact_name_is_kept_and_the_wholesaler_form_stands_beside(clerk):
    for rank, (typed, kept, form, warned) in enumerate(
        (
            ("L’Éclair & Fils – Saint-Étienne", None, "L ECLAIR ET FILS SAINT ETIENNE", ""),
            ("Łódź Sp. z o.o.", None, "LODZ SP Z O O", "Łź"),
            ("Socie\u0301te\u0301 Une", "Société Une", "SOCIETE UNE", ""),
            ("<b>X</b>", None, "B X B", ""),
            ("=1+1", None, "1 1", ""),
        )
    ):
        seen = words(await post(clerk, "/forme", company_name=typed))
        assert form in seen and (f"n'a pas « {warned} »" in seen) == bool(warned)
        assert (await create(clerk, customer_number=f"C{rank}", company_name=typed)).status_code == 303
        assert (await stored(f"C{rank}"))["company_name"] == (kept or typed)
        page = (await clerk.get(f"/clients/C{rank}")).text
        assert form in page and "<b>X</b>" not in page


async def test_f2_a_name_of_which_nothing_is_left_asks_for_its_form_and_control_signs_are_refused(clerk):
    refused = await create(clerk, company_name="株式会社")
    assert refused.status_code == 422 and "Rien de la raison sociale ne passe chez l'opérateur." in words(refused)
    assert (await create(clerk, company_name="株式会社", wholesaler_name="日本")).status_code == 422
    assert (await create(clerk, company_name="株式会社", wholesaler_name="Kabushiki")).status_code == 303
    assert ((await stored())["company_name"], (await stored())["wholesaler_name"]) == ("株式会社", "KABUSHIKI")
    for sign in ("\t", "\n", "\x07"):
        assert (await create(clerk, customer_number="C2", company_name=f"A{sign}B")).status_code == 422


async def test_f3_the_billing_manager_has_several_addresses_each_checked(clerk):
    refused = await create(clerk, billing_email="a@un.example, pas une adresse")
    assert refused.status_code == 422 and "« pas » n'est pas une adresse e-mail" in words(refused)
    done = await create(clerk, billing_contact_name="Zoé Comptable", billing_email="a@un.example; b@deux.example,a@un.example")
    assert done.status_code == 303
    assert (await stored())["billing_email"] == "a@un.example, b@deux.example"
    page = words(await clerk.get("/clients/C000500"))
    assert "Zoé Comptable<br>a@un.example<br>b@deux.example" in page
    consumer = {"kind": "CONSUMER", "company_name": "Camille", "billing_email": "c@x.example, d@x.example"}
    await create(clerk, customer_number="C2", **consumer)
    assert (await stored("C2"))["einvoice_address"] == "EM:c@x.example"


async def test_f4_the_login_is_the_customer_number_unless_another_is_given_and_is_unique(clerk):
    await create(clerk)
    assert (await stored())["login"] == "C000500"
    refused = await create(clerk, customer_number="C2", company_name="Autre", login="c000500")
    assert refused.status_code == 422 and "« c000500 » est déjà celui du client C000500." in words(refused)
    await create(clerk, customer_number="C2", company_name="Autre", login="ébéniste")
    assert (await stored("C2"))["login"] == "ébéniste"


async def test_f5_the_address_of_the_login_manager_belongs_to_one_customer(clerk, database):
    await create(clerk, site_contact_name="Paul", site_email="Paul@x.example")
    refused = await create(clerk, customer_number="C2", company_name="Autre", site_email="paul@X.example")
    assert refused.status_code == 422 and "est déjà celui du client C000500" in words(refused)
    for number in ("C2", "C3"):
        assert (await create(clerk, customer_number=number, company_name=number)).status_code == 303, "none is no address"
    with pytest.raises(Exception, match=r"(?i)unique"):
        await Customer.update({Customer.site_email: "PAUL@x.example"}).where(Customer.customer_number == "C2")


async def test_f6_the_credentials_are_asked_for_by_a_tick_and_announced(clerk):
    await create(clerk)
    assert (await stored())["send_credentials"] is False
    assert (await edit(clerk, "C000500", send_credentials="1")).status_code == 303
    assert (await stored())["send_credentials"] is True
    assert "À envoyer dès que l'espace client ouvrira" in words(await clerk.get("/clients/C000500"))


async def test_f7_other_addresses_stand_behind_ticks(clerk):
    place = {"delivery_street": "2 quai", "delivery_postcode": "13001", "delivery_city": "Marseille"}
    await create(clerk, **place)
    assert (await stored())["delivery_street"] == "", "without its tick there is no other address"
    incomplete = await edit(clerk, "C000500", delivery_other="1", delivery_street="2 quai")
    assert incomplete.status_code == 422 and "L'adresse est incomplète" in words(incomplete)
    billing = {name.replace("delivery", "billing"): value for name, value in place.items()}
    assert (await edit(clerk, "C000500", delivery_other="1", billing_other="1", **place, **billing)).status_code == 303
    row = await stored()
    assert (row["delivery_city"], row["delivery_country"], row["billing_street"]) == ("Marseille", "FR", "2 quai")
    page = words(await clerk.get("/clients/C000500"))
    assert "<dt>Livraison</dt><dd>2 quai<br>13001 Marseille</dd>" in page and "<dt>Facturation</dt><dd>2 quai" in page


async def test_f8_numbers_terms_and_regimes_are_checked_as_they_are_imported(clerk):
    for field, wrong, right, sentence in (
        ("siren", "529197708", "529 197 709", "n'est pas un SIREN"),
        ("siret", "52919770900024", "529 197 709 00023", "n'est pas un SIRET"),
        ("vat_number", "FR57529197709", "FR56529197709", "n'est pas un numéro de TVA"),
        ("iban", WRONG_RIB_KEY, IBAN, "n'est pas un IBAN"),
        ("bic", "AGRIFRPP8", "AGRIFRPP882", "n'est pas un BIC"),
        ("einvoice_address", "529197709", "0225:529197709", "il faut 0225"),
        ("discount_percent", "101", "12,5", "hors limites"),
        ("payment_days", "un mois", "45", "n'est pas un nombre entier"),
        ("vat_regime", "AUCUN", "EXEMPT_294", "n'est pas prévu"),
    ):
        names = {"customer_number": field, "company_name": f"Client {field}", "quand_meme": "1"}
        refused = await create(clerk, **names, **{field: wrong})
        assert refused.status_code == 422 and sentence in words(refused) and f'id="{field}-error"' in refused.text, field
        assert await stored(field) is None
        assert (await create(clerk, **names, **{field: right})).status_code == 303, field
        assert str((await stored(field))[field]).rstrip("0") == right.replace(" ", "").replace(",", ".").rstrip("0")


async def test_f8_a_direct_debit_has_its_iban_and_its_mandate(clerk):
    refused = await create(clerk, payment_method="DIRECT_DEBIT", iban=IBAN)
    assert refused.status_code == 422 and "3 valeurs à corriger" in words(refused)
    mandate = {"mandate_reference": "RUM-1", "mandate_date": "2026-11-01", "mandate_type": "B2B"}
    assert (await create(clerk, payment_method="DIRECT_DEBIT", iban=IBAN, **mandate)).status_code == 303
    page = words(await clerk.get("/clients/C000500"))
    assert "RUM-1" in page and "SEPA interentreprises (B2B), signé le 1er novembre 2026" in page
    assert "…0189" in page and IBAN not in page


async def test_f9_no_detailed_bill_is_a_tick_left_out(clerk):
    await create(clerk, detailed_bill="")
    assert (await stored())["detailed_bill"] is False
    assert "sans détail des communications" in words(await clerk.get("/clients/C000500"))


async def test_a_customer_that_looks_like_another_is_warned_of_and_saved_once_confirmed(clerk):
    await create(clerk, siren="529197709")
    for changes in ({"company_name": "MENUISERIE NOEL et fils"}, {"company_name": "Tout autre", "siren": "529197709"}):
        warned = await create(clerk, customer_number="C2", **changes)
        assert warned.status_code == 409 and 'href="/clients/C000500"' in warned.text and await Customer.count() == 1
    assert (await create(clerk, customer_number="C2", company_name="MENUISERIE NOEL et fils", quand_meme="1")).status_code == 303
    assert (await edit(clerk, "C2", city="Nantes")).status_code == 303, "what was said once is not said again"
    assert (await edit(clerk, "C2", siren="529197709")).status_code == 409


async def test_a_change_tells_before_and_after_and_the_default_address_follows(clerk):
    await create(clerk, siren="529197709")
    assert (await edit(clerk, "C000500", siren="732829320", city="Nantes")).status_code == 303
    assert (await stored())["einvoice_address"] == "0225:732829320"
    page = words(await clerk.get("/clients/C000500"))
    assert "Ville : <del>Lyon</del> → <ins>Nantes</ins>" in page and EMAIL in page
    assert "Rien n'a changé" in words(await clerk.get((await edit(clerk, "C000500")).headers["location"]))


async def test_the_second_of_two_who_edit_one_customer_is_warned_and_loses_nothing(clerk):
    await create(clerk)
    version = customers.version_of(await stored())
    assert (await edit(clerk, "C000500", city="Nantes")).status_code == 303
    late = await edit(clerk, "C000500", phone="01 99 00 40 40", city="Lyon", version=version)
    assert late.status_code == 409 and (await stored())["city"] == "Nantes"
    seen = words(late)
    assert f"{EMAIL} a enregistré cette fiche pendant que vous l'écriviez" in seen
    assert '<td data-l="Enregistré">Nantes</td><td data-l="Votre saisie">Lyon</td>' in seen and 'value="01 99 00 40 40"' in seen
    pressed_twice = await edit(clerk, "C000500", city="Nantes", version=version)
    assert pressed_twice.headers["location"].endswith("fait=inchange"), "what is already so is no quarrel"
    again = re.search(r'name="version" value="(\w+)"', late.text)[1]
    assert (await edit(clerk, "C000500", phone="01 99 00 40 40", version=again)).status_code == 303
    assert ((await stored())["city"], (await stored())["phone"]) == ("Nantes", "01 99 00 40 40")


async def race(monkeypatch):
    """Two clerks write one customer from one version; without a transaction both have looked before either writes."""
    row, met, locked = await stored(), asyncio.Barrier(2), customers._locked
    version, form = customers.version_of(row), customers.form_of(row)

    async def together(row_id):
        found = await locked(row_id)
        if customers.transaction is nullcontext:
            await met.wait()
        return found

    async def write(**typed):
        try:
            return await customers.change("C000500", form | typed, version, confirmed=False, actor="essai", now=NOW)
        except RuleError as refusal:
            return refusal

    monkeypatch.setattr(customers, "_locked", together)
    return await asyncio.gather(write(city="Nantes"), write(city="Rennes"))


async def test_of_two_saves_at_once_one_wins_and_the_other_is_told(clerk, monkeypatch):
    await create(clerk)
    won, told = sorted(await race(monkeypatch), key=lambda one: isinstance(one, RuleError))
    assert won is True and isinstance(told, customers.ChangedMeanwhile)
    assert [one.field for one in told.differences] == ["city"]


async def test_of_two_new_customers_with_one_login_at_once_the_database_keeps_one_and_the_other_is_told(clerk):
    async def make(number):
        typed = NEW | {"customer_number": number, "company_name": number, "login": "commun"}
        form = typed | dict.fromkeys(("detailed_bill", "hide_digits"), "yes")
        try:
            return await customers.create(form, confirmed=False, actor="essai", now=NOW)
        except RuleError as refusal:
            return refusal

    made = await asyncio.gather(*(make(f"C{rank}") for rank in range(4)))
    assert len([one for one in made if isinstance(one, str)]) == await Customer.count() == 1
    assert all("« commun » est déjà celui du client" in str(one) for one in made if not isinstance(one, str))


async def test_without_their_transaction_both_saves_pass_and_nobody_is_told(clerk, monkeypatch):
    await create(clerk)
    monkeypatch.setattr(customers, "transaction", nullcontext)
    assert await race(monkeypatch) == [True, True]
