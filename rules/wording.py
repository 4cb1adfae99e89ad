"""The little language of the mails: what a clerk may write, and what it becomes.

Jinja reads it, but only variables, three filters and `if` on one variable pass: nothing loops, reaches or calls.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches, ndiff
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, Template, TemplateSyntaxError, UndefinedError, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from rules.errors import RuleError
from rules.files.form import fold
from rules.letters import Block, Link, blocks, lf, opened, seal
from rules.words import Kind

LONGEST = {"subject": 150, "body": 10_000}
LONGEST_SUBJECT, LONGEST_LETTER = 250, 50_000
MOST_TAGS, DEEPEST = 60, 4
FILTERS = ("capitalize", "lower", "upper")
_SINGLE = re.compile(r"(?<!\{)\{ *(\w+) *\}(?!\})")

ONLY = (
    "ce passage n'est pas permis. Restent les variables {{ nom }}, les filtres "
    + ", ".join(FILTERS)
    + " et les conditions {% if nom %}…{% else %}…{% endif %}."
)
UNFINISHED = "une accolade ou une condition n'est pas fermée, ou l'est mal. Écrivez {{ nom }} ou {% if nom %}…{% endif %}."


@dataclass(frozen=True)
class Fault:
    """`field`: subject or body; `line`: from 1."""

    field: str
    line: int
    code: str
    message: str


class TemplateRefused(RuleError):
    """A text that cannot be kept, with all that is wrong in it."""

    def __init__(self, errors: Sequence[Fault]) -> None:
        self.errors = tuple(errors)
        super().__init__(self.errors)

    def __str__(self) -> str:
        return " ".join(self.of("subject") + self.of("body"))

    def of(self, field: str) -> list[str]:
        """Sentences for one field."""
        place = {"subject": "Objet : ", "body": "Ligne {} : "}[field]
        return [place.format(fault.line) + fault.message for fault in self.errors if fault.field == field]


class ValueMissing(RuleError):
    """A mail that lacks a value which its text needs."""


class UnsafeSubject(RuleError):
    """A subject with a line break or a control character: it could add a header to the mail."""


class LetterTooLong(RuleError):
    """A text that its values make too long for a mail."""


@dataclass(frozen=True)
class Letter:
    subject: str
    blocks: tuple[Block, ...]


def _seal(value: Any) -> str:
    return seal(value if isinstance(value, str) else str(value))  # str() of what is undefined raises


SANDBOX = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, finalize=_seal, trim_blocks=True, lstrip_blocks=True, autoescape=False, cache_size=0
)
SANDBOX.globals.clear()
SANDBOX.tests.clear()
SANDBOX.filters = {"capitalize": lambda text: text[:1].upper() + text[1:], "lower": str.lower, "upper": str.upper}


def check(kind: Kind, subject: str, body: str) -> None:
    """Raises TemplateRefused with every fault of a subject and a body."""
    faults = [*_faults(kind, "subject", subject), *_faults(kind, "body", body)]
    if not faults:
        least = render(kind, subject, body, kind.least)
        faults += [Fault("subject", 1, "EMPTY", "l'objet serait vide. Écrivez-le.")] if not least.subject else []
        faults += [Fault("body", 1, "EMPTY", "le message serait vide. Écrivez-le.")] if not least.blocks else []
    if faults:
        raise TemplateRefused(faults)


def render(kind: Kind, subject: str, body: str, values: Mapping[str, str]) -> Letter:
    """The mail that a text makes of these values, which print as they are. Raises TemplateRefused and the situations above."""
    given = {variable.name: values.get(variable.name, variable.default) for variable in kind.variables}
    links = {variable.name for variable in kind.variables if variable.link}
    context = {name: Link(value) if name in links else value for name, value in given.items() if value is not None}
    try:
        first, rest = (_template(kind, *part).render(context) for part in (("subject", subject), ("body", body)))
    except UndefinedError as lacking:
        name = re.findall(r"'(\w+)'", str(lacking))[0]
        raise ValueMissing(f"Le message « {kind.label} » n'a pas de valeur pour {{{{ {name} }}}}.") from None
    if len(opened(rest)) > LONGEST_LETTER:
        raise LetterTooLong(f"Ce message passerait {LONGEST_LETTER} caractères. Raccourcissez-le.")
    return Letter(_subject(opened(first).strip()), tuple(blocks(rest)))


@lru_cache(maxsize=128)
def _template(kind: Kind, field: str, text: str) -> Template:
    """The text ready to render: nothing is, that was not checked."""
    if faults := list(_faults(kind, field, text)):
        raise TemplateRefused(faults)
    return SANDBOX.from_string(lf(text))


def _faults(kind: Kind, field: str, text: str) -> Iterator[Fault]:
    text = lf(text)
    if len(text) > LONGEST[field]:
        yield Fault(field, 1, "TOO_LONG", f"{len(text)} caractères, {LONGEST[field]} au plus. Raccourcissez.")
        return
    for number, line in enumerate(text.split("\n"), 1):
        if number > 1 and field == "subject":
            yield Fault(field, number, "LINE_BREAK", "un objet tient sur une ligne. Retirez le retour à la ligne.")
        if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Co", "Cs") for sign in line.replace("\t", " ")):
            yield Fault(field, number, "INVISIBLE", "un signe invisible s'y trouve. Retapez cette ligne.")
        for name in _SINGLE.findall(line):
            if name in kind.names:
                yield Fault(field, number, "SINGLE_BRACE", f"{{{name}}} s'écrit avec deux accolades : {{{{ {name} }}}}.")
    if text.count("{%") > MOST_TAGS:
        yield Fault(field, 1, "TOO_MANY_TAGS", f"plus de {MOST_TAGS} conditions. Simplifiez.")
        return
    try:
        tree = SANDBOX.parse(text)
    except TemplateSyntaxError as stop:
        yield Fault(field, stop.lineno, "SYNTAX", UNFINISHED)
    except (ValueError, RecursionError):
        yield Fault(field, 1, "SYNTAX", ONLY)
    else:
        yield from (Fault(field, *fault) for fault in _walk(kind, tree.body))


def _walk(kind: Kind, body: Sequence[nodes.Node], depth: int = 0) -> Iterator[tuple[int, str, str]]:
    """Line, code and sentence of each node outside of the little grammar."""
    for node in body:
        if isinstance(node, nodes.Output):
            for part in node.nodes:
                plain = isinstance(part, nodes.Filter) and part.name in FILTERS and not (part.args or part.kwargs)
                shown = part.node if isinstance(part, nodes.Filter) and plain else part
                if isinstance(shown, nodes.Name):
                    yield from _known(kind, shown)
                elif not isinstance(shown, nodes.TemplateData):
                    yield part.lineno, "NOT_ALLOWED", ONLY
        elif isinstance(node, nodes.If) and depth < DEEPEST:
            test = node.test.node if isinstance(node.test, nodes.Not) else node.test
            if isinstance(test, nodes.Name):
                yield from _known(kind, test)
            else:
                yield node.lineno, "NOT_ALLOWED", ONLY
            for branch in (node.body, node.elif_, node.else_):
                yield from _walk(kind, branch, depth + 1)
        else:
            yield node.lineno, "NOT_ALLOWED", ONLY


def _known(kind: Kind, node: nodes.Name) -> Iterator[tuple[int, str, str]]:
    if node.name not in kind.names:
        near = nearest(kind, node.name)
        advice = f" : vouliez-vous dire {{{{ {near} }}}} ?" if near else ". Les variables permises sont à côté du texte."
        yield node.lineno, "UNKNOWN_VARIABLE", f"{{{{ {node.name[:60]} }}}} n'existe pas{advice}"


def nearest(kind: Kind, name: str) -> str:
    """The variable that was meant, by its name or by its French meaning; empty when none is near.

    >>> from rules.words import KINDS
    >>> [nearest(KINDS["invoice_issued"], name) for name in ("incl_vatt", "montant_tt", "zzz")]
    ['incl_vat', 'incl_vat', '']
    """
    known = {re.sub(r"\W+", "_", fold(variable.meaning)): variable.name for variable in kind.variables}
    known |= {name: name for name in kind.names}
    return next((known[near] for near in get_close_matches(fold(name)[:60], known, n=1)), "")


def _subject(text: str) -> str:
    if any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in text):
        raise UnsafeSubject("L'objet contiendrait un retour à la ligne ou un signe invisible. Corrigez la valeur qui l'apporte.")
    return text if len(text) <= LONGEST_SUBJECT else text[: LONGEST_SUBJECT - 1] + "…"


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that go (`-`) and that come (`+`), in their order.

    >>> changes("Bonjour\\nà vous", "Bonsoir\\nà vous")
    [('-', 'Bonjour'), ('+', 'Bonsoir')]
    """
    return [(line[0], line[2:]) for line in ndiff(before.split("\n"), after.split("\n")) if line[0] in "-+"]
