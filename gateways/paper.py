"""Paper: a frozen document becomes a PDF. The only place that knows Typst.

Data reach the templates as JSON and stay plain strings there: nothing that a person typed is ever markup.
"""

import base64
import json
import os
import re
import threading
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

os.environ.setdefault("RAYON_NUM_THREADS", "1")  # read once, by the import below: papers in parallel, not the parts of one paper

import fontpkg_lato
import segno.helpers
import typst
from fontTools.ttLib import TTFont

from gateways import factur_x
from rules import detail as annexes
from rules import invoice_words, msisdn
from rules.errors import RuleError

TEMPLATES = Path(__file__).parent.parent / "typst_templates"
FONT_FILES = Path(fontpkg_lato.__file__).parent / "files"
PARIS = ZoneInfo("Europe/Paris")
BOX = "□"
EPC_LONGEST_NAME = 70
LONGEST_WORD = 40
LOGO_MM = 70, 13  # at most so wide, so high
PICTURE_PPI = 96
OVERLONG = re.compile(rf"\S{{{LONGEST_WORD}}}(?=\S)")

_thread = threading.local()


class PaperRefused(RuleError):
    """Typst has complained; the message names its complaint."""


@dataclass(frozen=True)
class Paper:
    """A PDF, and how many characters of its data the font lacks (each was replaced)."""

    pdf: bytes
    replaced: int


def invoice(document: dict[str, Any], logo: bytes | None = None, xml: bytes = b"") -> Paper:
    """The invoice or credit note (PDF/A-3b); a draft when it has no number. `logo`: the PNG; `xml`: makes it a Factur-X.

    Raises PaperRefused.
    """
    data, replaced = _invoice(document, logo)
    pdf = _compile("invoice.typ", data | {"xml": xml.decode()}, format="pdf", pdf_standards=["a-3b"])[0]
    return Paper(factur_x.marked(pdf) if xml else pdf, replaced)


def pictures(document: dict[str, Any], logo: bytes | None = None) -> list[bytes]:
    """The same, each page as a PNG. Raises PaperRefused."""
    return _compile("invoice.typ", _invoice(document, logo)[0], format="png", ppi=PICTURE_PPI)


def _invoice(document: dict[str, Any], logo: bytes | None) -> tuple[dict[str, Any], int]:
    own = {name: text for name, text in document["texts"].items() if text}
    data, replaced = clean(document | {"texts": {"footer": "", "payment": "", **invoice_words.SHIPPED, **own}})
    data["lines"] = [line | {"msisdn": line["msisdn"] and msisdn.format(line["msisdn"])} for line in data["lines"]]
    return data | {"xml": "", "qr": _qr(document), "logo": logo and _drawing(logo)}, replaced


def _drawing(png: bytes) -> dict[str, Any]:
    """A logo in a frame of its own proportions: as text, which Typst reads a hundred times faster than a list of bytes."""
    width, height = int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")
    size = f'width="{width}" height="{height}"'
    image = f'<image {size} href="data:image/png;base64,{base64.b64encode(png).decode()}"/>'
    scale = min(LOGO_MM[0] / width, LOGO_MM[1] / height)
    return {
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{image}</svg>',
        "width_mm": round(scale * width, 2),
    }


def order(document: dict[str, Any], logo: bytes | None = None) -> Paper:
    """The summary of an order. Raises PaperRefused."""
    data, replaced = clean(document)
    return Paper(_compile("order.typ", data | {"logo": logo and _drawing(logo)}, format="pdf")[0], replaced)


def detail(document: dict[str, Any], calls: list[dict[str, Any]]) -> Paper:
    """The call annex of an invoice, without tags: they would make it five times heavier. Raises PaperRefused."""
    data, replaced = clean(document | {"lines": annexes.by_line(document, calls), "usage": {}})
    for line in data["lines"]:
        line["msisdn"] = msisdn.format(line["msisdn"])
        for call in line["calls"]:
            call["other"] = called(call["other"], document["hide_digits"])
    return Paper(_compile("detail.typ", data, format="pdf", pdf_tags=False)[0], replaced)


def called(key: str, hide: bool) -> str:
    """A number called, from its key, its last four digits hidden on demand; a short code stays whole.

    >>> called("33639981234", True), called("=3900", True), called("41225550000", False)
    ('06\\xa039\\xa098\\xa0••\\xa0••', '3900', '+41225550000')
    """
    if key.startswith("="):
        return key[1:]
    number = key and msisdn.format(key)
    return re.sub(r"\d(?=(\D*\d){0,3}\D*$)", "•", number) if hide else number


class _Glyphs(dict[int, str]):
    """How each character is printed, worked out on first sight; `lacking` holds those that the font has not."""

    def __init__(self) -> None:
        self.covered = frozenset(TTFont(FONT_FILES / "Lato-Regular.ttf", lazy=True).getBestCmap())
        self.lacking: set[int] = set()

    def __missing__(self, code: int) -> str:
        self[code] = printed = self._print(chr(code))
        return printed

    def _print(self, character: str) -> str:
        category = unicodedata.category(character)
        if character.isspace() and (category != "Zs" or ord(character) not in self.covered):
            return " "
        if category in ("Cc", "Cf", "Cs") or "\ufe00" <= character <= "\ufe0f":
            return ""
        if ord(character) in self.covered:
            return character
        self.lacking.add(ord(character))
        plain = "".join(part for part in unicodedata.normalize("NFKD", character) if ord(part) in self.covered)
        return plain or BOX


@cache
def _glyphs() -> _Glyphs:
    return _Glyphs()


def clean(value: Any) -> tuple[Any, int]:
    """The same data with every string made printable, and how many of its characters the font lacks.

    A word that would run out of the page gets places where it may break.

    >>> clean({"name": "Zoé\\x07 \\u202e漢"})
    ({'name': 'Zoé □'}, 1)
    """
    if isinstance(value, str):
        if value.isascii() and value.isprintable() and len(value) <= LONGEST_WORD:
            return value, 0
        glyphs, text = _glyphs(), unicodedata.normalize("NFC", value)
        printed = "\n".join(part.translate(glyphs) for part in text.splitlines())
        return OVERLONG.sub("\\g<0>\u200b", printed), sum(ord(character) in glyphs.lacking for character in text)
    if isinstance(value, dict):
        parts = {key: clean(part) for key, part in value.items()}
        return {key: part for key, (part, _) in parts.items()}, sum(count for _, count in parts.values())
    if isinstance(value, list):
        items = [clean(part) for part in value]
        return [part for part, _ in items], sum(count for _, count in items)
    return value, 0


def _qr(document: dict[str, Any]) -> str | None:
    """The EPC code of an invoice to be paid by transfer, as SVG; None when there is nothing to scan."""
    seller, cents = document["seller"], document["incl_vat_cents"]
    if not document["number"] or document["payment"]["method"] != "TRANSFER" or cents <= 0:
        return None
    try:
        code = segno.helpers.make_epc_qr(
            name=" ".join(seller["name"].split())[:EPC_LONGEST_NAME],
            iban=seller["iban"].replace(" ", ""),
            amount=Decimal(cents) / 100,
            text=document["number"],
            encoding="utf-8",
        )
    except ValueError:  # no IBAN yet, or a sum beyond what the norm can say: the paper goes without
        return None
    svg = BytesIO()
    code.save(svg, kind="svg", xmldecl=False, border=0)
    return svg.getvalue().decode()


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[FONT_FILES])


def _compile(template: str, data: dict[str, Any], **options: Any) -> list[bytes]:
    """One PDF, or the picture of each page; the same data give the same bytes. A compiler belongs to its thread.

    Raises PaperRefused.
    """
    compilers = _thread.__dict__
    if template not in compilers:
        nowhere = TEMPLATES / "packages"
        compilers[template] = typst.Compiler(
            TEMPLATES / template, root=TEMPLATES, font_paths=_fonts(), package_path=nowhere, package_cache_path=nowhere
        )
    noon = datetime.combine(date.fromisoformat(data["issued_on"]), time(12), PARIS)
    try:
        made, warnings = compilers[template].compile_with_warnings(
            sys_inputs={"data": json.dumps(data)}, timestamp=int(noon.timestamp()), **options
        )
    except typst.TypstError as error:
        raise PaperRefused(f"La mise en page {template} s'est arrêtée : {error.message}") from error
    if warnings:
        raise PaperRefused(f"La mise en page {template} n'est pas sûre : {warnings[0].message}")
    return made if isinstance(made, list) else [made]
