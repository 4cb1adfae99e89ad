"""The table: what was measured, what we aim at, whether it holds."""

from typing import Any

NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
LOAD_S, RATE_S, FLOORS, DRAFT_S, VALIDATE_S, PAPERS_PER_S, PEAK_MB, TENFOLD = 6, 3, 24, 15, 60, 45, 1_536, 11

Row = dict[str, Any]


def row(what: str, measured: float, unit: str, target: float | None = None, note: str = "", at_least: bool = False) -> Row:
    """One line. The target is a ceiling, or a floor with `at_least`; without one the figure is for information."""
    good = target is None or (measured >= target if at_least else measured <= target)
    return {
        "what": what, "measured": round(measured, 2), "unit": unit, "target": target, "at_least": at_least,
        "verdict": "" if target is None else "ok" if good else "over" if not at_least else "under", "note": note,
    }  # fmt: skip


def rows(figures: dict[str, Any]) -> list[Row]:
    """Every line of the table from the figures of the stages."""
    floor = figures["floor"]
    found = [
        row(
            "typed CSV parse by DuckDB",
            floor["seconds"],
            "s",
            note=f"{floor['rows']} rows, {floor['bytes'] // 10**6} MB, median of 3",
        )
    ]
    for engine, name in NAMES.items():
        if "import" in figures.get(engine, {}):
            found += _engine(name, figures[engine], floor["seconds"])
        elif engine in figures:
            found.append(row(f"{name}: absent", 0, "", note=figures[engine]["absent"]))
    if "tenth" in figures:
        tenth, whole = _load_and_rate(figures["tenth"]), _load_and_rate(figures["sqlite"])
        note = f"load + rate {tenth:.2f} s, then {whole:.2f} s, same fleet, SQLite"
        found.append(row("ten times the CDRs", whole / tenth, "× the time", TENFOLD, note))
    if "orm" in figures:
        found += _orm(figures["orm"], figures["sqlite"]["draft"])
    return found + _papers(figures["paper"], figures["weasyprint"])


def _load_and_rate(stages: dict[str, Any]) -> float:
    return stages["load"]["seconds"] + stages["draft"]["rate_seconds"]


def _engine(name: str, stages: dict[str, Any], floor_s: float) -> list[Row]:
    load, draft, validate, imported = (stages[stage] for stage in ("load", "draft", "validate", "import"))
    kinds = {kind: told for kind, told in imported.items() if isinstance(told, dict)}
    by_kind = ", ".join(f"{kind} {told['seconds']:.1f}" for kind, told in kinds.items())
    totals, both = draft["totals"], _load_and_rate(stages)
    peaks = {stage: stages[stage]["peak_mb"] for stage in ("load", "draft", "validate")}
    return [
        row(f"{name}: six reference files", sum(told["seconds"] for told in kinds.values()), "s", note=by_kind),
        row(
            f"{name}: load, judge, find twins",
            load["seconds"],
            "s",
            LOAD_S,
            f"{load['created']} loaded, {load['rejected']} rejected",
        ),
        row(f"{name}: rate", draft["rate_seconds"], "s", RATE_S, f"{totals['rated']} rated, {totals['unrated']} without a rate"),
        row(f"{name}: load + rate", both / floor_s, "× the parse", FLOORS, f"{both:.2f} s"),
        row(
            f"{name}: drafts, rating included",
            draft["seconds"],
            "s",
            DRAFT_S,
            f"{totals['invoices'] + totals['credit_notes']} drafts",
        ),
        row(
            f"{name}: validation",
            validate["seconds"],
            "s",
            VALIDATE_S,
            f"{validate['documents']} documents, one transaction each",
        ),
        row(
            f"{name}: peak memory", max(peaks.values()), "MB", PEAK_MB, ", ".join(f"{stage} {mb}" for stage, mb in peaks.items())
        ),
    ]


def _orm(orm: dict[str, Any], draft: dict[str, Any]) -> list[Row]:
    ours, theirs = draft["totals"]["rated"] / draft["rate_seconds"], orm["cdrs"] / orm["seconds"]
    same = "same amounts to the micro-euro" if orm["amount_micro"] == orm["in_sets_micro"] else "AMOUNTS DIFFER"
    return [
        row("rating in sets", ours, "CDR/s"),
        row("rating row by row through the ORM", theirs, "CDR/s", note=f"{orm['cdrs']} CDRs, {same}"),
        row("in sets against row by row", ours / theirs, "×"),
    ]


def _papers(ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    speed = ours["documents"] / ours["seconds"]
    found = [row("one-page PDF/A-3b by Typst, 2 threads", speed, "/s", PAPERS_PER_S, _told(ours), at_least=True)]
    if "absent" in theirs:
        return [*found, row("WeasyPrint: absent", 0, "", note=theirs["absent"])]
    slower = theirs["documents"] / theirs["seconds"]
    return [
        *found,
        row("the same by WeasyPrint, 2 processes", slower, "/s", note=_told(theirs)),
        row("Typst against WeasyPrint", speed / slower, "×"),
    ]


def _told(papers: dict[str, Any]) -> str:
    return f"{papers['documents']} different ones, {papers['one_page']} of one page, {papers['kb']} kB each"


def text(rows: list[Row], sizes: dict[str, int], full: dict[str, int], facts: dict[str, Any]) -> str:
    """The table as people read it."""
    head = ", ".join(f"{size:_} {name}".replace("_", " ") for name, size in sizes.items())
    if sizes != full:
        head += (
            " (the targets are those of " + ", ".join(f"{size:_} {name}".replace("_", " ") for name, size in full.items()) + ")"
        )
    cells = [("what", "measured", "target", "", "note")]
    for line in rows:
        target = "" if line["target"] is None else f"{'≥' if line['at_least'] else '≤'} {line['target']:,}".replace(",", " ")
        measured = f"{line['measured']:,.{0 if line['measured'] >= 1000 else 2}f} {line['unit']}".replace(",", " ")
        cells.append((line["what"], measured if line["unit"] else "", target, line["verdict"], line["note"]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return "\n".join([head, ", ".join(f"{name} {fact}" for name, fact in facts.items()), "", *lines])
