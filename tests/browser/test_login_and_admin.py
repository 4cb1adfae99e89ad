"""The doors as a person sees them."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parent.parent.parent / "static"
ENGLISH = re.compile(
    r"\b(Add|Delete|Edit|Save|Filter|Sort|Showing|results?|per page|Select|Error|Successfully|All|None|NULL|of)\b"
)


def tokens(css, selector):
    """The custom properties that a rule sets."""
    body = re.search(re.escape(selector) + r"\s*{([^}]*)}", css)[1]
    return dict(re.findall(r"--(\w[\w-]*):\s*([^;]+);", re.sub(r"/\*.*?\*/", "", body, flags=re.S)))


def background(page, selector):
    return page.eval_on_selector(selector, "element => getComputedStyle(element).backgroundColor")


def rgb(colour):
    digits = colour.lstrip("#")
    digits = "".join(2 * digit for digit in digits) if len(digits) == 3 else digits
    return f"rgb({', '.join(str(int(digits[place : place + 2], 16)) for place in (0, 2, 4))})"


def no_sideways_scroll(page):
    return page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_operator_s_link_opens_the_door_once(window, server, access_link):
    link = access_link("first@exemple.example")
    page = window()
    page.goto(link)
    page.get_by_label("Prénom").fill("Première")
    page.get_by_label("Nom", exact=True).fill("Personne")
    assert page.get_by_label("Adresse e-mail").input_value() == "first@exemple.example"
    page.get_by_label("Mot de passe").fill("une phrase assez longue")
    page.get_by_role("button", name="Enregistrer et entrer").click()
    page.get_by_role("heading", name="Bonjour").wait_for()
    page.goto(link)
    assert "n’est plus valable" in page.inner_text("main")


def test_a_person_enters_and_leaves(window, server, signed_in):
    page = window()
    page.goto(f"{server}/facturation")
    page.get_by_label("Identifiant").fill("camille@exemple.example")
    page.get_by_label("Mot de passe").fill("pas le bon mot")
    page.get_by_role("button", name="Entrer").click()
    assert "Identifiant ou mot de passe inconnu" in page.get_by_role("alert").inner_text()
    page.get_by_label("Mot de passe").fill("une phrase assez longue")
    page.get_by_role("button", name="Entrer").click()
    page.wait_for_url("**/facturation")
    page.goto(f"{server}/admin/")
    page.wait_for_selector("#nav")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390, 360])
def test_the_pages_hold_on_any_screen(window, server, access_link, scheme, width):
    page = window(width=width, scheme=scheme)
    for address in (f"{server}/entrer", access_link("camille@exemple.example"), f"{server}/nulle-part", f"{server}/api/docs"):
        page.goto(address)
        assert no_sideways_scroll(page), address
        paper = tokens((STATIC / "style.css").read_text(), ":root" if scheme == "light" else "dark) {\n  :root")["paper"]
        assert background(page, "body") == rgb(paper)
    assert page.locator("main").count() == 1


def test_the_generated_admin_is_french_and_breaks_no_policy(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/admin/")
    page.get_by_role("link", name="Types d'engagement").click()
    page.wait_for_selector(".table_wrapper td")
    assert page.title() == "Ligne Claire"
    shown = page.inner_text("#app")
    for words in (
        "2. Catalogue",
        "Abonnements et options",
        "Grilles tarifaires",
        "Journal d'audit",
        "Ajouter",
        "Trier",
        "Filtrer",
        "Durée",
    ):
        assert words in shown
    assert not ENGLISH.findall(shown)
    assert "Exporter" not in shown
    page.locator(".table_wrapper td a").first.click()
    page.wait_for_selector("[data-uitest=save_button]")
    assert "Types d'engagement : modifier" in page.inner_text("#app")
    assert not ENGLISH.findall(page.inner_text("#app"))


def test_a_change_is_saved_and_a_refusal_is_said(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/admin/#/commitment_type/1/")
    label = page.locator("[name=label]")
    label.wait_for()
    label.fill("Sans engagement, essai")
    page.locator("[data-uitest=save_button]").click()
    page.get_by_text("Enregistré.").wait_for()
    page.locator("[name=months]").fill("7")
    page.locator("[data-uitest=save_button]").click()
    page.get_by_text("Durée : « 7 » n'est pas prévu.").wait_for()


def test_tables_to_read_offer_no_button_to_write(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.goto(f"{server}/admin/#/timeline_entry/")
    page.get_by_text("lien d’accès utilisé").first.wait_for()
    assert not page.get_by_text("Ajouter").first.is_visible()
    assert page.locator(".table_wrapper input[type=checkbox]:visible").count() == 0
    page.locator(".table_wrapper td a").first.click()
    page.wait_for_selector("[name=actor]")
    page.wait_for_selector("[name=actor]:disabled")
    assert not page.locator("[data-uitest=save_button]").is_visible()


@pytest.mark.parametrize("scheme, selector", [("light", "#app"), ("dark", "#app.dark_mode")])
def test_the_generated_admin_wears_our_colours(window, server, signed_in, scheme, selector):
    tint = (STATIC / "admin-tint.css").read_text()
    style = (STATIC / "style.css").read_text()
    ours = tokens(style, ":root" if scheme == "light" else "dark) {\n  :root")
    theirs = tokens(tint, selector)
    assert {name: ours[name] for name in theirs if name in ours} == {
        name: value for name, value in theirs.items() if name in ours
    }
    assert {"paper", "ink", "accent", "line"} <= set(theirs)
    page = window(scheme=scheme, storage_state=signed_in)
    page.goto(f"{server}/admin/")
    page.wait_for_selector("#nav")
    assert background(page, "#nav") == rgb(theirs["paper"])


def test_the_choice_of_light_or_dark_is_kept(window, server, signed_in):
    page = window(scheme="dark", storage_state=signed_in)
    page.goto(f"{server}/admin/")
    page.wait_for_selector("#app.dark_mode")
    page.locator("#user").click()
    page.get_by_text("Fond clair").click()
    page.wait_for_selector("#app:not(.dark_mode)")
    page.reload()
    page.wait_for_selector("#nav")
    assert page.locator("#app.dark_mode").count() == 0


def test_without_a_session_the_generated_admin_leads_to_our_login(window, server):
    page = window()
    page.goto(f"{server}/admin/")
    page.wait_for_url("**/entrer?suite=/admin/")


def test_what_a_customer_is_called_is_never_taken_for_a_command(window, server, signed_in):
    page = window(storage_state=signed_in)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    page.goto(f"{server}/admin/#/customer/add/")
    page.wait_for_selector("[name=customer_number]")
    page.wait_for_load_state("networkidle")  # what the schema still brings would empty the fields
    name = '"><img src=x onerror=alert(1)>{{7*7}}'
    for field, value in {
        "customer_number": "C1",
        "company_name": name,
        "street": "All",
        "postcode": "1",
        "city": "Contains",
    }.items():
        page.fill(f"[name={field}]", value)
    with page.expect_response(lambda answer: answer.request.method == "POST" and "/tables/customer" in answer.url) as posted:
        page.locator("[data-uitest=create_button]").click()
    assert posted.value.status == 201, posted.value.text()
    page.get_by_text("Ajouté.").wait_for()
    page.goto(f"{server}/admin/#/customer/")
    page.get_by_text(name).wait_for()
    assert "Contains" in page.inner_text(".table_wrapper tbody"), "what people typed is not translated"
