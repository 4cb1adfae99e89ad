"""The table: what was measured, what we aim at, whether it holds."""

from typing import Any

NAMES = {"sqlite": "SQLite", "postgres": "PostgreSQL"}
# Ceilings, for 5 000 customers, 20 000 lines and 1 000 000 CDRs on two cores; PAPERS_PER_S is a floor.
LOAD_S, RATE_S, PARSES, DRAFT_S, VALIDATE_S, PAPERS_PER_S, PEAK_MB, TENFOLD = 6, 3, 24, 15, 60, 45, 1_536, 11
TWINS_S, PREVIEW_S, GROWN_MB, PAGE_S = 2, 1, 300, 0.2
MAIL_S = 60
XML_MS, XMP_MS, CHAIN_S, JOURNAL_S = 2, 1, 10, 10

Row = dict[str, Any]


def row(what: str, measured: float, unit: str, note: str = "", target: float | None = None, least: bool = False) -> Row:
    """One line; without a target the figure is for information. `least`: the target is the least that is wanted."""
    good = target is None or (measured >= target if least else measured <= target)
    verdict = "" if target is None else "ok" if good else "short" if least else "over"
    return {"what": what, "measured": measured, "unit": unit, "target": target, "least": least, "verdict": verdict, "note": note}


def rows(figures: dict[str, Any]) -> list[Row]:
    """Every line of the table from the figures of the stages."""
    floor = figures["floor"]
    read = f"{floor['rows']} rows, {floor['bytes'] // 10**6} MB"
    note = f"{_cpu(floor)}, {read}; {floor['sniffed_s']:.2f} s when DuckDB sniffs their form"
    found = [row("bare typed parse of the CDR files", floor["seconds"], "s", note)]
    for engine, name in NAMES.items():
        if engine in figures:
            found += _engine(name, figures[engine], floor)
    if "orm" in figures:
        found += [_tenfold(figures), *_orm(figures["orm"], figures["sqlite"]["draft"])]
    if "doors" in figures:
        found += _doors(**figures["doors"])
    if "years" in figures:
        found += _years(figures["years"])
    return found + (_papers(figures["paper"], figures["weasyprint"]) if "paper" in figures else [])


def _engine(name: str, stages: dict[str, Any], floor: dict[str, Any]) -> list[Row]:
    if "absent" in stages:
        return [row(f"{name}: absent", 0, "", stages["absent"])]
    load, draft, validate = stages["load"], stages["draft"], stages["validate"]
    totals, seconds = draft["totals"], _both(stages, "seconds")
    imported = ", ".join(f"{kind} {taken:.1f}" for kind, taken in stages["reference"]["by_kind"].items())
    peaks = {stage: stages[stage]["peak_mb"] for stage in ("load", "draft", "validate")}
    by_stage = ", ".join(f"{stage} {mb}" for stage, mb in peaks.items())
    cpu, sniffed = _both(stages, "cpu_s") / floor["cpu_s"], seconds / floor["sniffed_s"]
    ratio = f"{seconds:.2f} s; × {cpu:.1f} in CPU seconds, × {sniffed:.1f} a parse that sniffs"
    rated = f"{_cpu(draft['rate'])}, {totals['rated']} rated, {totals['unrated']} without a rate"
    loaded = f"{_cpu(load)}, {load['created']} loaded, {load['rejected']} rejected"
    drafts = f"{_cpu(draft)}, {totals['invoices'] + totals['credit_notes']} drafts, rating included"
    frozen = f"{_cpu(validate)}, {validate['documents']} documents, a transaction each"
    mail = stages["mail"]
    sent = (
        f"{_cpu(mail)}, {mail['counted']} of {mail['kb']} kB, {mail['connections']} connections, {mail['write_s']:.1f} s to write"
    )
    return [
        row(f"{name}: six reference files", stages["reference"]["seconds"], "s", imported),
        row(f"{name}: load, judge, find twins", load["seconds"], "s", loaded, LOAD_S),
        row(f"{name}: rate", draft["rate"]["seconds"], "s", rated, RATE_S),
        row(f"{name}: load and rate", seconds / floor["seconds"], "× parse", ratio, PARSES),
        row(f"{name}: drafts", draft["seconds"], "s", drafts, DRAFT_S),
        row(f"{name}: validation", validate["seconds"], "s", frozen, VALIDATE_S),
        row(f"{name}: invoice mails", mail["seconds"], "s", sent, MAIL_S),
        row(f"{name}: peak memory", max(peaks.values()), "MB", by_stage, PEAK_MB),
    ]


def _both(stages: dict[str, Any], unit: str) -> float:
    return stages["load"][unit] + stages["draft"]["rate"][unit]


def _cpu(figures: dict[str, Any]) -> str:
    return f"CPU {figures['cpu_s']:.1f} s"


def _tenfold(figures: dict[str, Any]) -> Row:
    tenth, whole = (_both(figures[stages], "seconds") for stages in ("tenth", "sqlite"))
    note = f"load and rate: {tenth:.2f} s, then {whole:.2f} s, same fleet, SQLite"
    return row("ten times the CDRs", whole / tenth, "× time", note, TENFOLD)


def _orm(orm: dict[str, Any], draft: dict[str, Any]) -> list[Row]:
    ours, theirs = draft["totals"]["rated"] / draft["rate"]["seconds"], orm["cdrs"] / orm["seconds"]
    same = "same amount to the micro-euro" if orm["amount_micro"] == orm["in_sets_micro"] else "ANOTHER AMOUNT"
    return [
        row("rating in sets", ours, "CDR/s", f"× {ours / theirs:.0f}"),
        row("rating through the ORM, row by row", theirs, "CDR/s", f"{orm['cdrs']} CDRs, {same}"),
    ]


def _doors(preview: dict[str, Any], twins: dict[str, Any], upload: dict[str, Any]) -> list[Row]:
    index = twins["index"]["seconds"]
    asked = f"{twins['asked']} of {twins['held']}; an index of SQLite, id by id: × {index / twins['seconds']:.1f} ({index:.1f} s)"
    bare = f"{preview['rows']} rows; × {preview['seconds'] / preview['bare_s']:.0f} a bare csv.DictReader"
    sent = f"{upload['rows']} lines, {upload['created']} loaded"
    return [
        row("ids against ten million", twins["seconds"], "s", asked, TWINS_S),
        row("preview of a rate table", preview["seconds"], "s", bare, PREVIEW_S),
        row("CDRs sent to a server and loaded", upload["seconds"], "s", sent),
        row("the server's memory meanwhile", upload["grown_mb"], "MB more", "", GROWN_MB),
        row("the slowest page meanwhile", upload["slowest_page_s"], "s", f"of {upload['pages']}", PAGE_S),
    ]


def _years(years: dict[str, Any]) -> list[Row]:
    verified, written = years["verify"], years["journal"]
    alone = f"{_cpu(verified)}, {years['lines']} lines; × {years['one_by_one_s'] / verified['seconds']:.1f} document by document"
    told = f"{_cpu(written)}, {written['rows']} rows, peak {years['peak_mb']} MB"
    return [
        row(f"chain of {years['documents']} documents verified", verified["seconds"], "s", alone, CHAIN_S),
        row(f"sales journal of {written['documents']} invoices", written["seconds"], "s", told, JOURNAL_S),
    ]


def _papers(ours: dict[str, Any], theirs: dict[str, Any]) -> list[Row]:
    speed = ours["documents"] / ours["seconds"]
    library = f"× {ours['library_ms'] / ours['xmp_ms']:.0f} by the factur-x library ({ours['library_ms']:.0f} ms)"
    marks = [
        row("XML of an e-invoice", ours["xml_ms"], "ms", "", XML_MS),
        row("Factur-X metadata of a PDF", ours["xmp_ms"], "ms", library, XMP_MS),
    ]
    label, cpu = "one-page Factur-X invoices, 2 threads", f"CPU {1000 * ours['cpu_s'] / ours['documents']:.0f} ms each"
    if "absent" in theirs:
        racer = row("the same by WeasyPrint: absent", 0, "", theirs["absent"])
        return [*marks, row(label, speed, "/s", f"{cpu}, {_about(ours)}", PAPERS_PER_S, least=True), racer]
    slower = theirs["documents"] / theirs["seconds"]
    return [
        *marks,
        row(label, speed, "/s", f"× {speed / slower:.1f}, {cpu}, {_about(ours)}", PAPERS_PER_S, least=True),
        row("the same by WeasyPrint, 2 processes", slower, "/s", _about(theirs)),
    ]


def _about(papers: dict[str, Any]) -> str:
    return f"{papers['documents']} distinct, {papers['one_page']} of one page, {papers['kb']} kB"


def text(rows: list[Row]) -> str:
    """The table as people read it."""
    cells = [("what", "measured", "target", "", "note")]
    for line in rows:
        target = "" if line["target"] is None else f"{'≥' if line['least'] else '≤'} {line['target']:g}"
        measured = f"{line['measured']:.{0 if line['measured'] >= 1000 else 2}f} {line['unit']}" if line["unit"] else ""
        cells.append((line["what"], measured, target, line["verdict"], line["note"]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in cells)
