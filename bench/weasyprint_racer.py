"""The ordinary way to print: the same invoice as an HTML page with CSS, made a PDF/A-3b by WeasyPrint."""

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import segno.helpers

from gateways.files import publish_bytes
from gateways.paper import FONT_FILES

TITLES = {"RECURRING": "Abonnements et options", "USAGE": "Communications hors forfait", "THIRD_PARTY": "Services de tiers"}
SECTIONS = {"REFUND": "RECURRING", "DISCOUNT": "RECURRING", "ACTIVATION": "RECURRING", "REGULARISATION": "USAGE"}
CHARTS = (("Internet", "data_kb"), ("Appels", "voice_s"), ("Messages", "messages"))


def race(documents: list[dict[str, Any]], target: Path, processes: int) -> tuple[list[bytes], float]:
    """The PDFs and the seconds they took; each process has made some before. Raises ImportError, OSError when it is absent."""
    import weasyprint  # noqa: F401 (absent = we say so before any process starts)

    with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
        list(pool.map(make, documents[:processes] * 2, [target] * processes * 2))
        start = time.perf_counter()
        pdfs = list(pool.map(make, documents, [target] * len(documents)))
        return pdfs, time.perf_counter() - start


def make(document: dict[str, Any], target: Path) -> bytes:
    from weasyprint import HTML

    page, style, fonts = _kit()
    sections: dict[str, list[dict[str, Any]]] = {}
    for line in document["lines"]:
        sections.setdefault(SECTIONS.get(line["section"], line["section"]), []).append(line)
    html = page.render(d=document, sections=sections, titles=TITLES, qr=_qr(document), charts=_charts(document["usage"]))
    pdf = HTML(string=html).write_pdf(stylesheets=[style], font_config=fonts, pdf_variant="pdf/a-3b")
    publish_bytes(target / f"{document['number']}.pdf", pdf)
    return pdf


@cache
def _kit() -> tuple[jinja2.Template, Any, Any]:
    """The page, its style and its fonts, read once by each process."""
    from weasyprint import CSS
    from weasyprint.text.fonts import FontConfiguration

    here, fonts = Path(__file__).parent, FontConfiguration()
    faces = "".join(
        f"@font-face {{ font-family: Lato; font-weight: {weight}; src: url({(FONT_FILES / f'Lato-{name}.ttf').as_uri()}) }}\n"
        for name, weight in (("Light", 300), ("Regular", 400), ("Bold", 700), ("Black", 900))
    )
    style = CSS(string=faces + (here / "invoice.css").read_text(encoding="utf-8"), font_config=fonts)
    world = jinja2.Environment(loader=jinja2.FileSystemLoader(here), autoescape=True)
    world.filters |= {"euros": _euros, "day": lambda text: "/".join(reversed(text.split("-")))}
    return world.get_template("invoice.html"), style, fonts


def _euros(cents: int) -> str:
    whole = f"{abs(cents) // 100:,}".replace(",", "\u202f")
    return f"{'−' if cents < 0 else ''}{whole},{abs(cents) % 100:02d}\u202f€"


def _qr(document: dict[str, Any]) -> str:
    if document["payment"]["method"] != "TRANSFER" or document["incl_vat_cents"] <= 0:
        return ""
    seller, amount = document["seller"], document["incl_vat_cents"] / 100
    code = segno.helpers.make_epc_qr(name=seller["name"], iban=seller["iban"], amount=amount, text=document["number"])
    return code.svg_inline(border=0)


def _charts(usage: dict[str, Any]) -> list[tuple[str, str]]:
    """Title and skyline (SVG path, 1 by 1) of each series that is not all zero."""
    found = []
    for title, name in CHARTS:
        values, top = usage[name], max(usage[name])
        if top:
            steps = " ".join(f"V{1 - value / top:.3f} H{(day + 1) / len(values):.3f}" for day, value in enumerate(values))
            found.append((title, f"M0 1 {steps} V1 Z"))
    return found
