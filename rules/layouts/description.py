"""The JSON form of a layout: plain words, checked one by one, refused with what to write instead."""

import re
from collections.abc import Mapping
from typing import Any

from rules.errors import RuleError
from rules.layouts import instants, sources
from rules.layouts.figures import BYTES, CLOCKS, SECONDS, figure
from rules.layouts.layout import SETTINGS, TOTALS, Field, Ignored, Layout, RecordType, Total, sources_of
from rules.layouts.sources import every
from rules.layouts.words import REQUIRED, ROLES, TARGETS, Option, options_of
from rules.states import CallType, Direction

MOST = 2_000
LONGEST = 500
IGNORED = {"is", "is_not"}
_MEANINGS = [f"{kind} {way}" for kind in CallType for way in Direction] + [*CallType, "-"]


class LayoutRefused(RuleError):
    """A description that cannot be followed; `errors`: each place, and what to write there."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = tuple(errors)
        super().__init__(" ".join(f"{error['field']} : {error['message']}" for error in errors[:3]))

    def __str__(self) -> str:
        return str(self.args[0])


def parse(form: Any) -> Layout:
    """A layout from its JSON form. Raises LayoutRefused with every place that is wrong.

    >>> form = {"fields": {"type": "=VOICE", "msisdn": "1", "started_at": {"source": "2", "format": "epoch"}}}
    >>> parse(form).fields["type"]["source"]
    ((Part(kind='constant', text='VOICE', start=0, end=0, record='row'),),)
    >>> form["fields"]["started_at"]["format"] = "demain"
    >>> parse(form)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    rules.layouts.description.LayoutRefused: fields.started_at.format : « demain » n'est pas un format de date et d'heure...
    """
    return _Reading().layout(form)


class _Reading:
    """One pass over a form, keeping every error."""

    def __init__(self) -> None:
        self.errors: list[dict[str, Any]] = []
        self.tables: set[str] = set()

    def wrong(self, place: str, message: str, value: Any = None) -> None:
        if all(error["field"] != place for error in self.errors):
            shown = None if value is None else str(value)[:100]
            self.errors.append({"field": place, "value": shown, "code": "BAD_LAYOUT", "message": message})

    def layout(self, form: Any) -> Layout:
        form = self.words(form, "description", {*SETTINGS, "fields", "records", "ignore", "totals"})
        if len(str(form)) > 200_000:
            self.wrong("description", "La description dépasse 200 000 signes. Réduisez ses tables de codes.")
            form = {}
        settings = {name: self.value(option, form.get(name), name) for name, option in SETTINGS.items()}
        listed = {name: self.items(form.get(name), name) for name in ("records", "ignore", "totals")}
        self.tables = {str(one.get("name")) for one in listed["records"] if isinstance(one, dict) and one.get("role") == "table"}
        fields = self.fields(form.get("fields"), "fields")
        records = tuple(self.record(one, f"records[{rank}]") for rank, one in enumerate(listed["records"], 1))
        ignored = tuple(self.ignored(one, f"ignore[{rank}]") for rank, one in enumerate(listed["ignore"], 1))
        totals = tuple(self.total(one, f"totals[{rank}]") for rank, one in enumerate(listed["totals"], 1))
        found = Layout(settings, fields, records, ignored, totals)
        self.together(found)
        if self.errors:
            raise LayoutRefused(self.errors)
        return found

    def words(self, given: Any, place: str, known: set[str]) -> dict[str, Any]:
        if not isinstance(given, dict):
            if given is not None:
                self.wrong(place, "Il faut un objet : des noms et leurs valeurs entre accolades.", given)
            return {}
        for name in given:
            if name not in known:
                self.wrong(
                    f"{place}.{str(name)[:60]}", f"Ce nom n'est pas connu ici. Les noms sont : {', '.join(sorted(known))}."
                )
        return given

    def items(self, given: Any, place: str) -> list[Any]:
        if given is not None and not isinstance(given, list):
            self.wrong(place, "Il faut une liste entre crochets.", given)
        if isinstance(given, list) and len(given) > 100:
            self.wrong(place, "Pas plus de 100 éléments.")
        return given[:100] if isinstance(given, list) else []

    def fields(self, given: Any, place: str) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for target, one in self.words(given, place, set(TARGETS)).items():
            known = options_of(target) if target in TARGETS else {}
            one = self.words({"source": one} if isinstance(one, str) else one, f"{place}.{target}", set(known))
            values = {
                name: self.value(option, one.get(name), f"{place}.{target}.{name}", target) for name, option in known.items()
            }
            if known and (
                values["source"] is not None or any(values[name] not in (None, (), {}) for name in one if name in known)
            ):
                found[target] = values
        return found

    def record(self, given: Any, place: str) -> RecordType:
        one = self.words(given, place, {"codes", "role", "fields", "name", "key", "value"})
        codes = self.value(Option("codes", "list", ""), one.get("codes"), f"{place}.codes")
        if not codes:
            self.wrong(f"{place}.codes", "Il faut au moins un code.")
        role = str(one.get("role") or "usage")
        if role not in ROLES:
            self.wrong(f"{place}.role", f"Ce rôle n'est pas connu. Écrivez l'un de : {', '.join(ROLES)}.", role)
        key, value = (self.value(Option(name, "source", ""), one.get(name), f"{place}.{name}") for name in ("key", "value"))
        if role == "table" and not (one.get("name") and key and value):
            self.wrong(place, "Une table a un nom (name), une clé (key) et une valeur (value).")
        return RecordType(
            tuple(codes or ()), role, self.fields(one.get("fields"), f"{place}.fields"), str(one.get("name", "")), key, value
        )

    def ignored(self, given: Any, place: str) -> Ignored:
        one = self.words(given, place, {"source", *IGNORED})
        source = self.value(Option("source", "source", ""), one.get("source"), f"{place}.source")
        unless = "is_not" in one
        name = "is_not" if unless else "is"
        values = self.value(Option(name, "list", ""), one.get(name), f"{place}.{name}")
        if not source or not values or set(one) >= IGNORED:
            self.wrong(
                place, "Il faut une colonne (source) et des valeurs : is, ou bien is_not. « vide » et « zéro » sont des valeurs."
            )
        return Ignored(source or (), frozenset(value.casefold() for value in values or ()), unless)

    def total(self, given: Any, place: str) -> Total:
        one = self.words(given, place, {"what", "source", "unit", "of"})
        source, of = (self.value(Option(name, "source", ""), one.get(name), f"{place}.{name}") for name in ("source", "of"))
        what, unit = str(one.get("what")), str(one.get("unit") or "")
        if what not in TOTALS:
            self.wrong(f"{place}.what", f"Ce total n'est pas connu. Écrivez l'un de : {', '.join(TOTALS)}.", what)
        units = {"seconds": {*SECONDS, *CLOCKS}, "bytes": set(BYTES)}.get(what, set())
        if unit and not (unit in units or (what == "amount" and re.fullmatch("[0-9]", unit))):
            self.wrong(f"{place}.unit", "Cette unité n'est pas connue ; pour un montant, c'est un nombre de décimales (3).", unit)
        if not source or not all(part.record != "row" for part in every(source)):
            self.wrong(f"{place}.source", "Un total se lit dans l'en-tête ou la fin : en-tête:8, fin:142-149.", one.get("source"))
        return Total(what, source or (), unit, of)

    def value(self, option: Option, given: Any, place: str, target: str = "") -> Any:
        """What an option holds, or its default."""
        absent = given is None or given == ""
        if option.kind in ("choice", "source", "text", "format", "zone") and not absent and not isinstance(given, str):
            if option.name != "decimals" or isinstance(given, bool) or not isinstance(given, int):
                self.wrong(place, "Il faut un texte entre guillemets.", given)
                given, absent = None, True
            given = None if absent else str(given)
        if isinstance(given, str) and (len(given) > LONGEST or not given.isprintable()):
            self.wrong(place, f"Ce texte dépasse {LONGEST} signes, ou contient un signe invisible.")
            return None
        if option.kind == "choice":
            if not absent and given not in option.choices:
                self.wrong(place, f"Écrivez l'un de : {', '.join(option.choices)}.", given)
            return next(iter(option.choices)) if absent or given not in option.choices else given
        if option.kind == "yes":
            if not absent and not isinstance(given, bool):
                self.wrong(place, "Écrivez true ou false.", given)
            return given is True
        if option.kind == "int":
            if not absent and (isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= 1000):
                self.wrong(place, "Il faut un nombre entre 0 et 1000.", given)
            return given if isinstance(given, int) else 0
        if option.kind == "list":
            return self.list(given, place)
        if option.kind == "map":
            return self.map(option, given, place, target)
        if absent:
            return None
        return self.text(option, given.strip(), place, target)

    def text(self, option: Option, given: str, place: str, target: str) -> Any:
        try:
            if option.kind == "source":
                return sources.parse(given)
            if option.kind == "format":
                instants.reader(given)
            if option.kind == "zone":
                instants.zone(given)
            if option.name == "decimals" and not re.fullmatch("[0-9]", given):
                return sources.parse(given)
            if option.name == "currency" and target and not re.fullmatch("=?[A-Z]{3}", given):
                return sources.parse(given)
        except RuleError as refusal:
            self.wrong(place, str(refusal), given)
            return None
        if option.name == "currency" and not re.fullmatch("=?[A-Z]{3}", given):
            self.wrong(place, "Une devise a trois lettres : EUR.", given)
        if option.name == "country" and not re.fullmatch("[1-9][0-9]{0,2}", given):
            self.wrong(place, "Un indicatif de pays a un à trois chiffres : 33.", given)
        if option.name == "comment" and len(given) > 5:
            self.wrong(place, "Le signe qui ouvre un commentaire est court : #.", given)
        return given.removeprefix("=") if option.name == "currency" else given

    def list(self, given: Any, place: str) -> tuple[str, ...]:
        if given in (None, ""):
            return ()
        given = [given] if isinstance(given, str) else given
        if (
            not isinstance(given, list)
            or len(given) > MOST
            or not all(isinstance(one, (str, int)) and len(str(one)) <= LONGEST for one in given)
        ):
            self.wrong(place, 'Il faut une liste de textes : ["NA", "anonymous"].', given)
            return ()
        return tuple(str(one).strip() for one in given)

    def map(self, option: Option, given: Any, place: str, target: str) -> Mapping[str, str]:
        if given in (None, ""):
            return {}
        if option.name == "offset_map" and isinstance(given, str):
            given = {"@": given.lstrip("@")}
        if not isinstance(given, dict) or len(given) > MOST or not all(isinstance(one, (str, int)) for one in given.values()):
            self.wrong(place, 'Il faut une table de codes : {"V": "VOICE"}.', given)
            return {}
        found = {str(code).strip(): str(meaning).strip() for code, meaning in given.items()}
        for code, meaning in found.items():
            if not self.means(option.name, target, code, meaning):
                self.wrong(
                    f"{place}.{code[:60]}",
                    f"« {meaning[:60]} » ne se dit pas ici. Écrivez {self.examples(option.name, target)}.",
                    meaning,
                )
        return found

    def means(self, name: str, target: str, code: str, meaning: str) -> bool:
        if name == "map":
            known = {"type": _MEANINGS, "direction": [*Direction]}.get(target)
            return meaning in known if known else bool(re.fullmatch("[0-9]{5,6}|HOME", meaning, re.ASCII))
        if name == "units":
            return meaning in ({*SECONDS, *CLOCKS} if target == "duration_s" else BYTES) or meaning == "-"
        if name == "rates":
            rate = figure(meaning)
            return 0 < len(code) <= 20 and rate is not None and rate > 0
        if name == "prefixes":
            return bool(re.fullmatch(r"\+?[0-9]{0,10}", meaning, re.ASCII))
        if code == "@":
            return meaning in self.tables
        try:
            return instants.offset(meaning) is not None
        except ValueError:
            return False

    @staticmethod
    def examples(name: str, target: str) -> str:
        units = {"duration_s": ", ".join([*SECONDS, *CLOCKS]), "volume_bytes": ", ".join(BYTES)}.get(target, "")
        words = {"type": ", ".join(_MEANINGS), "direction": "OUT ou IN", "visited_plmn": "5 ou 6 chiffres (20801), ou HOME"}.get(
            target, ""
        )
        others = {
            "units": f"{units} ou -",
            "rates": "USD = 0.92",
            "prefixes": "un préfixe : +, +1",
            "offset_map": "+0200, ou le nom d'une table",
        }
        return others.get(name, words)

    def together(self, layout: Layout) -> None:
        """What no single place shows."""
        readers = [
            ({**layout.fields, **one.fields}, f"records[{rank}].fields")
            for rank, one in enumerate(layout.records, 1)
            if one.role == "usage"
        ]
        for fields, place in readers or [(dict(layout.fields), "fields")]:
            for target in REQUIRED:
                if not fields.get(target, {}).get("source"):
                    self.wrong(f"{place}.{target}", f"La colonne « {TARGETS[target]} » manque : dites d'où elle vient (source).")
            started = fields.get("started_at", {})
            if started.get("source") and not started.get("format"):
                self.wrong(f"{place}.started_at.format", "Dites comment la date s'écrit : jj/mm/aaaa hh:mm:ss.")
            for target in ("duration_s", "volume_bytes"):
                one = fields.get(target, {})
                if bool(one.get("unit_source")) != bool(one.get("units")):
                    self.wrong(
                        f"{place}.{target}.units",
                        "Une unité dans la ligne demande la colonne (unit_source) et ses codes (units).",
                    )
        if any(part.kind != "file" or not part.text for part in every(layout.sequence or ())):
            self.wrong("sequence", "Le numéro de suite se lit dans le nom du fichier : fichier:CDR_{}.csv.")
        if layout.records and not layout.record:
            self.wrong("record", "Dites où se lit le type d'enregistrement.")
        roles = {one.role for one in layout.records}
        for place, source in sources_of(layout):
            for part in every(source):
                if part.record != "row" and part.record not in roles:
                    self.wrong(place, f"Aucun type d'enregistrement n'est « {ROLES[part.record]} » : décrivez-le dans records.")
                if layout.fixed and part.kind == "name":
                    self.wrong(place, f"« {part.text} » : en largeurs fixes, écrivez des positions, de 1 : 31-50.", part.text)
                elif layout.fixed and part.kind == "place" and part.start < 0:
                    self.wrong(place, "En largeurs fixes, les positions se comptent depuis le début.")
                elif not layout.fixed and part.kind == "range":
                    self.wrong(
                        place, "Des positions ne se lisent qu'en largeurs fixes. Ici, écrivez un numéro de champ ou un nom."
                    )
                elif part.kind == "name" and not layout.header:
                    self.wrong(
                        place,
                        f"« {part.text} » : sans ligne de noms, écrivez le numéro du champ.",
                        part.text,
                    )
