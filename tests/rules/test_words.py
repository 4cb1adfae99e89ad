"""What a clerk may write, what it becomes, and what no text and no value can do (promise X-04, as it holds for mails)."""

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jobs.words import LAYOUTS, Face
from rules import letters, wording
from rules.letters import LINKED, OPEN, SHUT
from rules.wording import TemplateRefused, UnsafeSubject, ValueMissing, check, render
from rules.words import KINDS, UnknownKind, invoice_values, kind

INVOICE = KINDS["invoice_issued"]
DOCUMENT = {
    "kind": "INVOICE", "number": "F2026-000001", "issued_on": "2026-11-01", "due_on": "2026-12-01", "month": "2026-10",
    "buyer": {"name": "Menuiserie Noël", "customer_number": "C1", "contact": "", "purchase_order": ""},
    "seller": {"iban": "FR7630006000011234567890189"},
    "payment": {"method": "TRANSFER", "iban_tail": "", "mandate_reference": ""},
    "excl_vat_cents": 100_405, "incl_vat_cents": 120_486,
}  # fmt: skip
PRINTED = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1)


def html(letter, foot=()):
    return LAYOUTS.get_template("layout.html").render(
        subject=letter.subject, blocks=letter.blocks, face=Face("Télécoms Imaginaires", "", {}), foot=foot
    )


class Read(HTMLParser):
    """The words of a page, and its tags and addresses."""

    def __init__(self, page):
        super().__init__()
        self.text, self.tags, self.links, self.silent = "", [], [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.silent = tag in ("style", "title")
        self.links += [value for name, value in attrs if name in ("href", "src")]
        if tag in ("br", "p", "div", "h1", "td"):
            self.text += " "

    def handle_endtag(self, tag):
        self.silent = False
        if tag in ("p", "div", "h1", "td"):
            self.text += " "

    def handle_data(self, data):
        self.text += "" if self.silent else data


def words(text):
    return text.split()


def refusal(body, subject="Objet", of=INVOICE):
    with pytest.raises(TemplateRefused) as caught:
        check(of, subject, body)
    return caught.value


@pytest.mark.parametrize("code", KINDS)
def test_every_shipped_text_can_be_kept_and_says_the_same_in_both_parts(code):
    shipped = KINDS[code]
    check(shipped, shipped.subject, shipped.body)
    for values in (shipped.examples, shipped.least):
        letter = render(shipped, shipped.subject, shipped.body, values)
        page = Read(html(letter))
        text = letters.plain(letter.blocks)
        shown = [word for word in words(text) if word != ":" and not word.startswith("https://")]
        assert [word for word in words(page.text) if word != ":"] == ["Télécoms", "Imaginaires", *shown]
        assert page.links == re.findall(r"https://\S+", text)
        assert "{" not in text + letter.subject
        assert "**" not in text


def test_each_variable_of_a_kind_has_a_meaning_and_an_example():
    for each in KINDS.values():
        assert len(set(each.names)) == len(each.names)
        assert all(variable.meaning and variable.example for variable in each.variables), each.code
    with pytest.raises(UnknownKind):
        kind("inconnu")


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__ }}", "{{ number.__class__.__mro__ }}", "{{ number['x'] }}", "{{ number|attr('y') }}",
        "{{ number | upper('x') }}",
        "{{ number() }}", "{{ number.upper() }}", "{{ 'a' * 10**9 }}", "{{ 9**9**9 }}", "{{ number ~ number }}", "{{ 1 }}",
        "{{ number if link }}", "{{ number | map | list }}", "{{ number | upper | upper }}", "{{ number is defined }}",
        "{% for a in number %}x{% endfor %}", "{% macro m() %}x{% endmacro %}", "{% include 'base.html' %}",
        "{% import 'x' as y %}",
        "{% from 'x' import y %}", "{% extends 'base.html' %}", "{% block b %}{% endblock %}", "{% set number = 1 %}",
        "{% call number() %}{% endcall %}", "{% filter upper %}x{% endfilter %}", "{% with a = 1 %}{% endwith %}",
        "{% autoescape false %}{% endautoescape %}", "{% do number %}", "{% if number.x %}{% endif %}",
        "{% if number == 1 %}{% endif %}",
        "{% if range(10**9) %}{% endif %}", "{{ " + "(" * 3000, "{{ " + "9" * 5000 + " }}",
        "{{ number", "{% if number %}", "{% endif %}",
        "{% if link %}" * 5 + "x" + "{% endif %}" * 5, "{% if link %}x{% endif %}" * 31, "x" * 10_001,
        "a\x00b", "a\ue000aa\ue001",
    ],
)  # fmt: skip
def test_what_loops_reaches_or_calls_is_refused(text):
    start = time.perf_counter()
    assert refusal(text).of("body")
    assert time.perf_counter() - start < 2


@pytest.mark.parametrize("name", ["lipsum", "self", "range", "cycler", "namespace", "dict", "config", "environment"])
def test_nothing_is_known_but_the_variables_of_the_kind(name):
    assert "n'existe pas" in str(refusal(f"{{{{ {name} }}}}"))


def test_an_unknown_variable_is_refused_with_its_line_and_the_nearest_name():
    caught = refusal("Bonjour,\n\n{{ montant_tt }}", "{{ numbr }}")
    assert caught.of("body") == ["Ligne 3 : {{ montant_tt }} n'existe pas : vouliez-vous dire {{ incl_vat }} ?"]
    assert caught.of("subject") == ["Objet : {{ numbr }} n'existe pas : vouliez-vous dire {{ number }} ?"]
    assert "due_on" in str(refusal("{% if echeance %}x{% endif %}"))
    assert "Les variables permises" in str(refusal("{{ zzzzz }}"))
    assert "deux accolades" in str(refusal("Montant {incl_vat}"))


def test_a_subject_is_one_line_and_neither_part_may_be_empty():
    assert refusal("x", "a\nb").of("subject")
    assert refusal("x", "x" * 151).of("subject")
    assert refusal("x", " ").of("subject")
    assert refusal("\n \n").of("body")
    assert refusal("{% if link %}x{% endif %}", "{{ purchase_order }}").of("subject"), (
        "empty when the act gives only what it must"
    )


@pytest.mark.parametrize("sign", ["\n", "\r\n", "\r", "\0", "\x1b", "\u2028", "\x85", "\ud800"])
def test_a_value_cannot_add_a_header_through_the_subject(sign):
    with pytest.raises(UnsafeSubject):
        render(INVOICE, "{{ customer_name }}", "x", {"customer_name": f"A{sign}Bcc: b@c.example"})


def test_a_value_that_the_text_needs_and_the_act_lacks_is_named():
    with pytest.raises(ValueMissing, match="customer_name"):
        render(INVOICE, "x", "{{ customer_name }}", {})
    with pytest.raises(ValueMissing, match="number"):
        render(INVOICE, "x", "{% if number %}y{% endif %}", {})
    assert render(INVOICE, "x", "y{{ link }}", {}).blocks[0].lines[0][0].text == "y"


@given(PRINTED)
@example("<script>alert(1)</script>")
@example("{{ number }} {% if x %} **gras**")
@example("# Titre")
@example("> x\n\n# y")
@example(f"{OPEN}aa{SHUT}{OPEN}{LINKED}zz")
@example("javascript:alert(1)")
@example('" onload="x')
def test_any_value_prints_as_it_is_in_the_text_and_escaped_in_the_page(value):
    letter = render(INVOICE, "x", "Avant {{ customer_name }} après", {"customer_name": value})
    assert [block.kind for block in letter.blocks] == ["text"]
    assert letters.plain(letter.blocks) == f"Avant {value} après"
    page, harmless = (
        Read(html(letter)),
        Read(html(render(INVOICE, "x", "Avant {{ customer_name }} après", {"customer_name": "x"}))),
    )
    assert [tag for tag in page.tags if tag != "br"] == harmless.tags
    assert page.links == []
    assert words(f"Avant {value} après") == words(page.text)[2:]


@given(PRINTED)
@example("https://a.example/?a=1&b=2")
@example('https://a.example/" onclick="x')
@example("javascript:alert(1)")
@example("data:text/html,x")
def test_only_an_address_becomes_a_button(value):
    letter = render(INVOICE, "x", "Voir : {{ link }}", {"link": value})
    web = bool(re.fullmatch(r"https?://[^\s<>\"']+", value))
    assert letter.blocks[0].kind == ("button" if web else "text")
    assert Read(html(letter)).links == ([value] if web else [])


@given(st.text(st.sampled_from("{}%#|.()'*-_ \n") | st.sampled_from("ifnumberlkdocsat9")), st.text(max_size=30))
def test_any_text_is_refused_or_becomes_a_mail(body, subject):
    try:
        check(INVOICE, subject, body)
    except TemplateRefused:
        return
    assert render(INVOICE, subject, body, INVOICE.examples).blocks


def test_a_mail_is_bounded():
    with pytest.raises(wording.LetterTooLong):
        render(INVOICE, "x", "{{ customer_name }}" * 500, {"customer_name": "x" * 200})
    assert len(render(INVOICE, "{{ customer_name }}", "x", {"customer_name": "x" * 2000}).subject) == wording.LONGEST_SUBJECT


def test_an_invoice_says_how_it_is_paid_from_its_document_alone():
    values = invoice_values(DOCUMENT)
    assert (values["incl_vat"], values["due_on"], values["month"]) == (
        "1\u202f204,86\u202f€",
        "1er décembre 2026",
        "octobre 2026",
    )
    assert values["payment_sentence"] == (
        "À payer par virement au plus tard le 1er décembre 2026."
        " IBAN FR76\u00a03000\u00a06000\u00a00112\u00a03456\u00a07890\u00a0189, référence F2026-000001."
    )
    credit = invoice_values(DOCUMENT | {"kind": "CREDIT_NOTE", "incl_vat_cents": -1200})
    assert (credit["document"], credit["incl_vat"], credit["due_on"]) == ("Avoir", "12,00\u202f€", "")
    assert credit["payment_sentence"] == "À votre crédit."
    assert invoice_values(DOCUMENT | {"incl_vat_cents": 0})["payment_sentence"] == "Rien à payer."
    assert set(values) <= set(INVOICE.names)
