"""A layout as a clerk fills it in: names of the form ↔ the JSON form; `code = VALUE` lines ↔ tables of codes."""

import re
from collections.abc import Mapping
from typing import Any

from rules.layouts.words import FILE_OPTIONS, ROLES, TARGETS, Option, options_of

TOTALS = {"tout": "lines", "lignes": "rows", "usage": "usage", "durées": "seconds", "volumes": "bytes", "montants": "amount"}
META = ("code", "label", "wholesaler", "name_pattern")
LISTS = ("records", "ignore", "totals")
VALUES = Option("values", "list", "")
Texts = dict[str, str]


def texts_of(row: Mapping[str, Any]) -> Texts:
    """What each field of the form shows of a layout."""
    found = {name: str(row.get(name) or "") for name in META} | {"active": "oui" if row.get("active", True) else ""}
    form = row.get("description") or {}
    for option in FILE_OPTIONS:
        found[option.name] = _shown(option, form.get(option.name))
    records = form.get("records") or []
    found["records"] = "\n".join(_record_line(one) for one in records)
    found["ignore"] = "\n".join(
        f"{one.get('source', '')} {'≠' if 'is_not' in one else '='} {_shown(VALUES, one.get('is_not', one.get('is')))}"
        for one in form.get("ignore") or []
    )
    found["totals"] = "\n".join(map(_total_line, form.get("totals") or []))
    for prefix, fields in [("f", form.get("fields")), *((f"r{rank}", one.get("fields")) for rank, one in enumerate(records, 1))]:
        for target, one in (fields or {}).items():
            one = {"source": one} if isinstance(one, str) else one
            for name, option in options_of(target).items():
                found[f"{prefix}.{target}.{name}"] = _shown(option, one.get(name))
    return found


def _shown(option: Option, value: Any) -> str:
    if value is None:
        return ""
    if option.kind == "map":
        return "\n".join(f"{code} = {meaning}" for code, meaning in value.items()) if isinstance(value, dict) else str(value)
    if option.kind == "list":
        return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    if option.kind == "yes":
        return "oui" if value else ""
    return str(value)


def _record_line(one: Mapping[str, Any]) -> str:
    codes = one.get("codes") or []
    role = ROLES.get(one.get("role") or "usage", str(one.get("role")))
    told = " ".join(str(one.get(name, "")) for name in ("name", "key", "value")) if one.get("role") == "table" else ""
    return f"{', '.join(map(str, codes)) if isinstance(codes, list) else codes} = {role} {told}".strip()


def _total_line(one: Mapping[str, Any]) -> str:
    word = next(word for word, what in TOTALS.items() if what == one["what"])
    return f"{word}{' de ' + one['of'] if one.get('of') else ''} = {one['source']} {one.get('unit') or ''}".strip()


def layout_of(texts: Mapping[str, str]) -> dict[str, Any]:
    """The JSON form that a filled form stands for; what is wrong in it is said by the law."""
    form: dict[str, Any] = {
        option.name: value for option in FILE_OPTIONS if (value := _read(option, texts.get(option.name, ""))) not in ("", None)
    }
    form["fields"] = _fields(texts, "f")
    form["records"] = [_record(line, _fields(texts, f"r{rank}")) for rank, line in enumerate(_lines(texts.get("records", "")), 1)]
    form["ignore"] = [_ignored(line) for line in _lines(texts.get("ignore", ""))]
    form["totals"] = [_total(line) for line in _lines(texts.get("totals", ""))]
    form = {name: value for name, value in form.items() if name not in LISTS or value}
    return {**{name: texts.get(name, "") for name in META}, "active": bool(texts.get("active")), "description": form}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _fields(texts: Mapping[str, str], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for target in TARGETS:
        one = {
            name: _read(option, text)
            for name, option in options_of(target).items()
            if (text := texts.get(f"{prefix}.{target}.{name}", "").strip()) and text != next(iter(option.choices), None)
        }
        if one:
            found[target] = one["source"] if set(one) == {"source"} else one
    return found


def _read(option: Option, text: str) -> Any:
    text = text.strip()
    if option.kind == "map":
        return text if text.startswith("@") else _codes(text)
    if option.kind == "list":
        return _values(text)
    if option.kind == "int":
        return int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else text
    if option.kind == "yes":
        return bool(text) or None
    return text


def _codes(text: str) -> dict[str, str]:
    pairs = (line.rpartition("=") for line in _lines(text))
    return {code.strip(): meaning.strip() for code, _, meaning in pairs}


def _values(text: str) -> list[str]:
    return [value.strip() for value in re.split(r"[,\n]", text) if value.strip()]


def _record(line: str, fields: dict[str, Any]) -> dict[str, Any]:
    codes, _, told = line.partition("=")
    role, *more = told.split() or ["usage"]
    words = {word: name for name, word in ROLES.items()}
    found: dict[str, Any] = {"codes": _values(codes), "role": words.get(role, role)}
    if found["role"] == "table":
        found |= dict(zip(("name", "key", "value"), more, strict=False))
    return found | ({"fields": fields} if fields else {})


def _ignored(line: str) -> dict[str, Any]:
    source, mark, values = [*re.split(r"\s*(≠|!=|=)\s*", line, maxsplit=1), "=", ""][:3]
    return {"source": source, "is" if mark == "=" else "is_not": _values(values)}


def _total(line: str) -> dict[str, Any]:
    left, _, right = (part.strip() for part in line.partition("="))
    what, _, of = left.partition(" de ")
    source, _, unit = right.partition(" ")
    found = {"what": TOTALS.get(what.strip(), what.strip()), "source": source, "unit": unit.strip(), "of": of.strip()}
    return {name: value for name, value in found.items() if value}


def messages(errors: Any) -> dict[str, str]:
    """Name in the form → what is wrong there."""
    found: dict[str, str] = {}
    for error in errors:
        place = str(error["field"])
        if inner := re.match(r"(?:records\[(\d+)\]\.)?fields\.(\w+)(?:\.(\w+))?", place):
            name = f"{'r' + inner[1] if inner[1] else 'f'}.{inner[2]}.{inner[3] or 'source'}"
        else:
            name = re.split(r"[.\[]", place)[0]
        found.setdefault(name, f"{error['message']}")
    return found
