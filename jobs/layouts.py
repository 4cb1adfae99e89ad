"""The layouts of suppliers' CDR files: what a person described, and which one reads a file. « default » needs no row."""

import json
import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from rules.errors import RuleError
from rules.layouts.description import LayoutRefused, parse
from rules.layouts.layout import Layout
from rules.layouts.sources import Part, every, name_pattern
from tables.engine import transaction
from tables.timeline import tell
from tables.usage import CdrFile, CdrLayout

DEFAULT = "default"
EXAMPLES = Path(__file__).parent.parent / "rules" / "layouts" / "examples"
LENGTHS = {"label": 100, "wholesaler": 32, "name_pattern": 200}
Row = dict[str, Any]


class UnknownLayout(RuleError):
    """A CDR layout that nobody described."""


class NoSuchLayout(UnknownLayout):
    """An address that names no layout."""

    status = 404


@dataclass(frozen=True)
class Chosen:
    """What reads a file. `layout` is None for the published default."""

    code: str = DEFAULT
    wholesaler: str = DEFAULT
    layout: Layout | None = None

    @cached_property
    def numbering(self) -> list[Part]:
        """Where file names bear their number in a sequence."""
        return [part for part in every(self.layout.sequence or ()) if part.kind == "file" and part.text] if self.layout else []


async def every_layout() -> list[Row]:
    """All of them, by code, without their descriptions."""
    shown = (CdrLayout.code, CdrLayout.label, CdrLayout.wholesaler, CdrLayout.name_pattern, CdrLayout.active)
    rows = await CdrLayout.select(*shown).order_by(CdrLayout.code)
    default = {"code": DEFAULT, "label": "Format publié", "wholesaler": DEFAULT, "name_pattern": "", "active": True}
    return [default, *rows]


async def get(code: str) -> Row:
    """A layout in its JSON form. Raises NoSuchLayout."""
    row = await CdrLayout.select().where(CdrLayout.code == code).output(load_json=True).first()
    if row is None:
        raise NoSuchLayout(f"Format « {code[:40]} » inconnu. « default », le format publié, ne se décrit pas.")
    return {name: row[name] for name in ("code", "label", "wholesaler", "name_pattern", "active", "description")}


async def save(code: str, form: Any, actor: str) -> Row:
    """Write a layout, new or changed. Raises LayoutRefused with every place that is wrong."""
    values = _lawful(code, form)
    async with transaction():
        row = await CdrLayout.objects().where(CdrLayout.code == code).first()
        before = await get(code) if row else {}
        row = row or CdrLayout(code=code)
        if before and before["wholesaler"] != values["wholesaler"] and await CdrFile.exists().where(CdrFile.layout == code):
            message = "Des fichiers sont chargés sous ce format : leur opérateur ne change plus. Dupliquez le format."
            raise LayoutRefused([_error("wholesaler", message, values["wholesaler"])])
        for name, value in values.items():
            setattr(row, name, json.dumps(value, ensure_ascii=False) if name == "description" else value)
        await row.save()
        after = {"code": code, **values}
        if after != before:
            await tell(actor, "changed" if before else "created", "cdr_layout", row.id, before, after)
    return await get(code)


def _lawful(code: str, form: Any) -> Row:
    """What a row holds, checked. Raises LayoutRefused."""
    errors = []
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,31}", code) or code == DEFAULT:
        errors.append(
            _error(
                "code", "Un code a des lettres minuscules, des chiffres et des tirets, 32 au plus ; « default » est pris.", code
            )
        )
    form = form if isinstance(form, dict) else {}
    values: Row = {}
    for name, longest in LENGTHS.items():
        given = form.get(name, "")
        values[name] = given.strip() if isinstance(given, str) else ""
        if not isinstance(given, str) or len(values[name]) > longest or not values[name].isprintable():
            errors.append(_error(name, f"Il faut un texte de {longest} signes au plus, sans signe invisible.", given))
    values["wholesaler"] = values["wholesaler"] or DEFAULT
    values["active"] = form.get("active", True) is not False
    values["description"] = form.get("description")
    try:
        parse(values["description"])
    except LayoutRefused as refusal:
        errors += refusal.errors
    if errors:
        raise LayoutRefused(errors)
    return values


def _error(field: str, message: str, value: Any) -> Row:
    return {"field": field, "value": str(value)[:100], "code": "BAD_LAYOUT", "message": message}


async def choose(code: str) -> Chosen:
    """What loads files under a code. Raises UnknownLayout: not described, or put out of use."""
    if code == DEFAULT:
        return Chosen()
    row = await CdrLayout.select().where(CdrLayout.code == code, CdrLayout.active.eq(True)).output(load_json=True).first()
    if row is None:
        known = ", ".join(row["code"] for row in await every_layout() if row["active"])
        raise UnknownLayout(f"Format « {code[:40]} » inconnu. Les formats sont : {known}.")
    return Chosen(code, row["wholesaler"], parse(row["description"]))


async def layout_for(name: str) -> str:
    """The code of the active layout whose pattern takes a file name, the longest pattern first; else « default »."""
    names = {name.casefold(), re.sub(r"\.(gz|zip)$", "", name.casefold())}
    rows = [row for row in await every_layout() if row["active"] and row["name_pattern"]]
    for row in sorted(rows, key=lambda row: (-len(row["name_pattern"]), row["code"])):
        if any(fnmatchcase(one, row["name_pattern"].casefold()) for one in names):
            return str(row["code"])
    return DEFAULT


async def missing_before(chosen: Chosen, name: str) -> tuple[str, ...]:
    """A sentence when the number in a file's name does not follow those already loaded."""
    number, series = _numbered(chosen, name)
    if number is None:
        return ()
    others = [_numbered(chosen, row["name"]) for row in await CdrFile.select(CdrFile.name).where(CdrFile.layout == chosen.code)]
    before = [other for other, same in others if same == series and other is not None and other < number]
    if not before or max(before) == number - 1:
        return ()
    first, last = max(before) + 1, number - 1
    gap = f"le fichier n° {first} n'est pas chargé" if first == last else f"les fichiers n° {first} à {last} ne sont pas chargés"
    return (f"Suite des fichiers : {gap}.",)


def _numbered(chosen: Chosen, name: str) -> tuple[int | None, str]:
    """The number in a file name, and the rest of the name."""
    for part in chosen.numbering:
        found = name_pattern(part.text).fullmatch(name)
        if found and found[1].isdecimal() and len(found[1]) <= 18:
            return int(found[1]), name[: found.start(1)] + name[found.end(1) :]
    return None, ""


def examples() -> dict[str, Row]:
    """Layouts to begin from, by code."""
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(EXAMPLES.glob("*.json"))}
