"""Suppliers' files read through layouts: five whole samples, many small ones in real forms, and bytes that mean nothing."""

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways import cdr_layout, cdr_store
from jobs.layouts import examples
from rules.files.form import FormError
from rules.layouts.description import LayoutRefused, parse

DATA = Path(__file__).parent.parent / "data" / "layouts"
NUMBERS = ("33744900101", "33744900102", "33744900103", "33644900104", "33644900105")
LINES = [cdr_store.LivePeriod(rank, number, 0, 10**10) for rank, number in enumerate(NUMBERS, 1)]
CARDS = {f"20801990000010{rank}": number for rank, number in enumerate(NUMBERS, 1)} | dict.fromkeys(
    ("8933019900000001010", "893301990000000101"), NUMBERS[0]
)
CONTEXT = cdr_store.Context(LINES, dict.fromkeys(("206", "208", "214", "228", "234", "262", "310"), "EU"), cards=CARDS)
CELLS = ("line_number", "key", "type", "direction", "msisdn", "other", "ts", "duration_s", "volume_bytes", "plmn", "cost_micro")


def read(data: bytes | Path, description: dict, name: str = "essai.csv", cards=CARDS):
    """Rows as loaded, rejects, and what was noticed."""
    with tempfile.TemporaryDirectory() as folder:
        path = data if isinstance(data, Path) else Path(folder) / "sent"
        if isinstance(data, bytes):
            path.write_bytes(data)
        judged = cdr_store.judge(path, name, CONTEXT, parse(description))
        load = judged.settle(Path(folder), {})
        rows = []
        if load.parts:
            paths = [str(Path(folder) / part.path) for part in load.parts]
            columns = ", ".join(CELLS)
            rows = duckdb.execute(f"SELECT {columns} FROM read_parquet(?) ORDER BY line_number", [paths]).fetchall()
    return SimpleNamespace(
        rows=[SimpleNamespace(**dict(zip(CELLS, row, strict=True))) for row in rows],
        rejects=[(one.line_number, one.cause) for one in load.rejects],
        raw=[one.raw for one in load.rejects],
        tally=judged.tally,
    )


def utc(ts: int) -> str:
    return f"{datetime.fromtimestamp(ts, UTC):%Y-%m-%dT%H:%M:%SZ}"


def told(row) -> tuple:
    return row.type, row.direction, row.msisdn, row.other, utc(row.ts), row.duration_s, row.volume_bytes, row.plmn, row.cost_micro


@pytest.mark.parametrize("name", sorted(examples()))
def test_a_sample_loads_to_exactly_what_is_expected_of_it(name):
    expected = json.loads((DATA / name / "expected.json").read_text())
    found = read(DATA / name / expected["file"], examples()[name]["description"], expected["file"])
    assert [(row.line_number, *told(row)) for row in found.rows] == [
        (
            row["line"], row["type"], row["direction"], row["msisdn"], row["other_party"] or "", row["started_at"], row["duration_s"],
            row["volume_bytes"], row["visited_plmn"] or "", row["wholesale_cost_micro"],
        )
        for row in expected["rows"]
    ]  # fmt: skip
    assert [row.key for row, one in zip(found.rows, expected["rows"], strict=True) if one["cdr_id"]] == [
        one["cdr_id"] for one in expected["rows"] if one["cdr_id"]
    ]
    assert found.rejects == [(one["line"], one["cause"]) for one in expected["rejected"]]
    lines = (DATA / name / expected["file"]).read_text().splitlines()
    assert found.raw == [lines[one["line"] - 1] for one in expected["rejected"]]
    assert found.tally.ambiguous == sum("ambiguous_local_time" in row for row in expected["rows"])


def test_a_truncated_file_loads_nothing_and_says_what_was_announced():
    path = next((DATA / "ddb-fixed-width").glob("*TRUNCATED*"))
    with pytest.raises(FormError) as refused:
        read(path, examples()["ddb-fixed-width"]["description"], path.name)
    assert (refused.value.errors[0].line, refused.value.errors[0].code) == (21, "BAD_TOTAL")
    assert "Total « lignes d'usage » : 20 annoncé, 19 trouvé." in str(refused.value)


def test_a_price_in_another_currency_is_unknown_and_said():
    expected = json.loads((DATA / "uk-standard-cdr" / "expected.json").read_text())
    description = examples()["uk-standard-cdr"]["description"]
    path = DATA / "uk-standard-cdr" / expected["file"]
    assert "2 lignes en GBP : coût inconnu, aucun taux n'est donné." in read(path, description).tally.warnings
    costed = {**description["fields"]["wholesale_cost"], "rates": {"GBP": "1,15"}}
    found = read(path, {**description, "fields": {**description["fields"], "wholesale_cost": costed}})
    assert found.rows[18].cost_micro == 8_855  # 0.00770 × 1.15
    assert not any("GBP" in warning for warning in found.tally.warnings)


def described(fields: dict, **file) -> dict:
    return {"fields": {"type": "=VOICE", **fields}, **file}


def padded(width: int, **places: str) -> str:
    """A record whose texts begin at their position (1 = first), as _7="…"."""
    record = [" "] * width
    for place, text in places.items():
        start = int(place[1:]) - 1
        record[start : start + len(text)] = text
    return "".join(record) + "\n"


VOCUS = described(
    {
        "cdr_id": "2", "msisdn": "7", "other_party": "8", "started_at": {"source": "3 + 4", "format": "aaaa-mm-jj hh:mm:ss"},
        "duration_s": "6", "wholesale_cost": {"source": "13"},
    },
    separator=",", zone="UTC",
)  # fmt: skip
AMCOM = described(
    {
        "cdr_id": "4", "msisdn": "9", "other_party": "10", "started_at": {"source": "6 + 7", "format": "jjmmaaaa hhmmss"},
        "duration_s": "8", "wholesale_cost": "13",
    },
    separator=",", header=False, skip_lines=1, record="1", other_records="skip", records=[{"codes": ["DCR"]}],
)  # fmt: skip
CALLPLUS = described(
    {
        "msisdn": "A", "other_party": {"source": "B", "prefix_source": "type", "prefixes": {"I": "+"}},
        "started_at": {"source": "stamp", "format": "jj/mm/aaaa h:mm:ss ap"}, "duration_s": "seconds", "wholesale_cost": "cost",
    },
    separator=",", header=True, zone="Pacific/Auckland",
)  # fmt: skip
COLT = described(
    {
        "cdr_id": "2", "msisdn": "5", "other_party": {"source": "10", "country": "43"},
        "started_at": {"source": "6 + 7", "format": "jj.mm.aaaa hh:mm:ss"}, "duration_s": "11",
        "wholesale_cost": {"source": "12", "currency": "15"},
    },
    zone="Europe/Vienna",
)  # fmt: skip
TWT = described(
    {
        "msisdn": "4", "other_party": "5", "started_at": {"source": "3", "format": "aaaa/mm/jj hh.mm.ss"},
        "duration_s": "8", "wholesale_cost": "9",
    },
    zone="Europe/Rome",
)  # fmt: skip
AAPT = described(
    {
        "cdr_id": "270-291", "msisdn": "145-168", "other_party": "121-144", "started_at": {"source": "93-106", "format": "aaaammjjhhmmss"},
        "duration_s": {"source": "292-301", "unit_source": "302-307", "units": {"100": "s", "101": "ds", "120": "min", "200": "-", "201": "-"}},
        "volume_bytes": {"source": "292-301", "unit_source": "302-307", "units": {"100": "-", "101": "-", "120": "-", "200": "B", "201": "KiB"}},
        "wholesale_cost": {"source": "179-196", "decimals": "2", "currency": "251-256", "rates": {"1": "0.6"}},
        "type": {"source": "302-307", "map": {"1*": "VOICE", "2*": "DATA"}},
    },
    separator="fixed", record="1-6", other_records="skip", records=[{"codes": ["PWTDET"]}], zone="Australia/Sydney",
)  # fmt: skip
EMI = described(
    {
        "msisdn": "15-24 + 25-27", "other_party": "30-39", "started_at": {"source": "7-12 + 55-60", "format": "aammjj hhmmss"},
        "duration_s": {"source": "61-67", "unit": "ds"}, "wholesale_cost": {"source": "40-46", "decimals": 3},
    },
    separator="fixed", record="1-6", row_width="any",
    records=[{"codes": ["202401"], "role": "header"}, {"codes": ["202402"], "role": "trailer"}, {"codes": ["010101"]}],
)  # fmt: skip
PAYEX = described(
    {
        "type": {"source": "5", "map": {"S": "VOICE", "E": "SMS OUT", "KB": "DATA", "MB": "DATA"}},
        "msisdn": "2", "other_party": "3", "started_at": {"source": "4", "format": "aaaa-mm-jj hh:mm:ss"},
        "duration_s": {"source": "6", "unit_source": "5", "units": {"S": "s", "*": "-"}},
        "volume_bytes": {"source": "6", "unit_source": "5", "units": {"KB": "KiB", "MB": "MiB", "*": "-"}}, "wholesale_cost": "7",
    },
    encoding="cp1252", record="1", sequence="fichier:CDRF5_*_*_{}.DAT",
    records=[{"codes": ["H"], "role": "header"}, {"codes": ["U"]}, {"codes": ["T"], "role": "trailer"}],
    totals=[{"what": "usage", "source": "fin:2"}, {"what": "amount", "source": "fin:3"}, {"what": "lines", "source": "fin:4"}],
)  # fmt: skip
BICS = described(
    {
        "type": {"source": "serviceTypeName", "map": {"DATA": "DATA", "SMS MO": "SMS OUT"}}, "msisdn": {"source": "iccid", "by": "iccid"},
        "other_party": "=38111", "started_at": {"source": "timestamp", "format": "aaaa-mm-jjThh:mm:ssz"}, "volume_bytes": "volumeDownlink + volumeUplink",
        "visited_plmn": {"source": "visitedOperatorName", "map": {"Telekom D": "26202"}},
        "wholesale_cost": {"source": "revenue", "currency": "revenueCurrency"},
    },
    separator=",", header=True,
)  # fmt: skip
ASTERISK = described(
    {
        "cdr_id": "17", "msisdn": "2", "other_party": "3", "duration_s": "14",
        "started_at": {"source": "11 sinon 10", "format": "aaaa-mm-jj hh:mm:ss"},
    },
    separator=",", ignore=[{"source": "15", "is_not": ["ANSWERED"]}, {"source": "14", "is": ["zéro"]}],
)  # fmt: skip
EIOT = described(
    {
        "type": "=DATA", "cdr_id": "fichier:cdr_{}_*.csv + \"-\" + 1", "msisdn": {"source": "5", "by": "imsi"},
        "started_at": {"source": "2", "format": "aaaa-mm-jj hh:mm:ss"}, "volume_bytes": "6", "visited_plmn": "8",
    },
    separator=",", zone="UTC",
)  # fmt: skip
HORISEN = described(
    {
        "type": "=SMS OUT", "cdr_id": "MESSAGE_ID", "msisdn": "SENDER", "other_party": "DESTINATION",
        "started_at": {"source": "SMS_DT", "format": "aaaa-mm-jj hh:mm:ss"},
        "visited_plmn": {"source": "DST_MCC + DST_MNC", "by": "mcc-mnc"},
        "wholesale_cost": {"source": "SELL_PRICE", "currency": "SELL_CURRENCY"},
    },
    separator=",", header=True, ignore=[{"source": "SENDING_STATUS", "is": ["Error"]}],
)  # fmt: skip
ZINTEL = described(
    {
        "msisdn": "A", "other_party": {"source": "B sinon A", "empty": ["64/U"]}, "wholesale_cost": {"source": "price", "sign": "absolute"},
        "started_at": {"source": "when", "format": "jj/mm/aaaa hh:mm:ss"}, "duration_s": "seconds",
    },
    separator=",", header=True,
)  # fmt: skip
ISPPHONE = described(
    {
        "msisdn": "2", "other_party": "3", "started_at": {"source": "6", "format": "jj mois aaaa hh:mm"},
        "duration_s": {"source": "7", "unit": "m:s"}, "wholesale_cost": "8",
    },
    separator=",", skip_lines=1,
)  # fmt: skip
WINDSTREAM = described(
    {
        "msisdn": "6", "other_party": {"source": "16 sinon 10", "country": "1", "bare": "national"}, "duration_s": {"source": "13", "unit": "min"},
        "started_at": {"source": "4", "format": "m/j/aaaa h:mm:ss ap"}, "wholesale_cost": "14",
        "type": {"source": "15", "map": {"Long Distance*": "VOICE", "Text": "SMS", "Fee": "-"}},
    },
    separator="tab", zone="America/Chicago",
)  # fmt: skip
TROOP = described(
    {
        "msisdn": "A", "other_party": {"source": "B", "prefix_source": "country", "prefixes": {"Canada": "+1", "*": "+"}},
        "started_at": {"source": "date + time", "format": "excel excel sinon excel hmmss"}, "duration_s": {"source": "minutes", "unit": "min"},
    },
    separator=",", skip_lines=1, header=True, zone="America/Vancouver",
)  # fmt: skip
CGRATES = described(
    {
        "type": {"source": "ToR", "map": {"*voice": "VOICE"}}, "msisdn": "Account", "other_party": "Destination",
        "started_at": {"source": "AnswerTime", "format": "aaaa-mm-jj hh:mm:ss z"}, "duration_s": {"source": "Usage", "unit": "1h2m3s"},
    },
    separator=",", header=True, comment="#",
)  # fmt: skip
NETSAPIENS = {
    "separator": ",", "record": "1",
    "fields": {"type": "=VOICE", "started_at": {"source": "6", "format": "epoch"}, "duration_s": "7"},
    "records": [
        {"codes": ["o*"], "fields": {"direction": "=OUT", "msisdn": "4", "other_party": "8"}},
        {"codes": ["t*"], "fields": {"direction": "=IN", "msisdn": "8", "other_party": {"source": "4", "empty": ["anonymous"]}}},
    ],
}  # fmt: skip
TAP_TEXT = {
    "separator": ",", "record": "1", "other_records": "skip",
    "fields": {
        "type": "=VOICE", "msisdn": "3", "other_party": "4", "duration_s": "7",
        "started_at": {"source": "5", "format": "aaaammjjhhmmss", "offset": "6", "offset_map": "@decalages"},
        "wholesale_cost": {"source": "8", "decimals": "en-tête:3"},
    },
    "records": [
        {"codes": ["002"], "role": "header"}, {"codes": ["007"], "role": "table", "name": "decalages", "key": "2", "value": "3"},
        {"codes": ["011"]},
    ],
}  # fmt: skip
BROADSOFT = described(
    {"msisdn": "2", "other_party": "3", "started_at": {"source": "4", "format": "aaaammjjhhmmss.fff"}, "duration_s": "5"},
    separator=",", quoting="backslash", ignore=[{"source": "1", "is_not": ["Normal"]}], zone="UTC",
)  # fmt: skip
TWO_HOURS = described(
    {"msisdn": "1", "other_party": "2", "started_at": {"source": "3", "format": "jj/mm/aaaa hh:mm"}}, doubled_hour="order"
)
A, B = "33744900101", "33199001234"

REAL = {
    "Vocus, two columns in UTC": (
        VOCUS, f",77,2026-10-01,08:15:00,,63,{A},61299001234,,,,International,0.0456789\n",
        [("VOICE", "OUT", A, "61299001234", "2026-10-01T08:15:00Z", 63, 0, "", 45_679)],
    ),
    "Amcom, only DCR, seconds with decimals": (
        AMCOM, f"h\nXXX,1\nDCR,1,2,77,LOCAL,01102026,081500,30.500,{A},0199001234,a,b,0.01,0.02,p,\n",
        [("VOICE", "OUT", A, B, "2026-10-01T06:15:00Z", 31, 0, "", 10_000)],
    ),
    "CallPlus, 12 hours, dollars, prefix by type": (
        CALLPLUS, f"A,B,stamp,seconds,cost,type\n{A},447700900123,13/10/2026 2:40:32 p.m.,61,$0.10,I\n",
        [("VOICE", "OUT", A, "447700900123", "2026-10-13T01:40:32Z", 61, 0, "", 100_000)],
    ),
    "Colt, national numbers of Austria, 18 and 20 fields": (
        COLT,
        f"150194;2016;DAD;DAD;{A};01.10.2026;11:26:54;St.Pölten;Colt LOCAL;0274290136;22;0.01019;0;02.11.2026;EUR;;VO15;P\n"
        f"150194;2017;DAD;DAD;{A};01.10.2026;11:26:55;Wien;Colt LOCAL;0033199001234;22;0.01019;0;02.11.2026;EUR;;VO15;P;;\n",
        [
            ("VOICE", "OUT", A, "43274290136", "2026-10-01T09:26:54Z", 22, 0, "", 10_190),
            ("VOICE", "OUT", A, B, "2026-10-01T09:26:55Z", 22, 0, "", 10_190),
        ],
    ),
    "TWT, year first, dots": (
        TWT, f"11336;8470764;2026/10/05 08.28.54;{A};003934710000;39347;Italy;126;0,0546;0;0;0;39347\n",
        [("VOICE", "OUT", A, "3934710000", "2026-10-05T06:28:54Z", 126, 0, "", 54_600)],
    ),
    "AAPT, 1 000 characters, units in the row, cents": (
        AAPT,
        padded(1000, _1="PWTDET", _93="20261001181500", _121=B, _145="0744900101", _179="12.5", _251="1", _270="R1", _292="605", _302="101")
        + padded(1000, _1="PWTDET", _93="20261001181500", _145="0744900101", _179="100", _251="1", _270="R2", _292="3", _302="201")
        + padded(1000, _1="PWTSUM", _93="garbage"),
        [
            ("VOICE", "OUT", A, B, "2026-10-01T08:15:00Z", 61, 0, "", 75_000),
            ("DATA", "OUT", A, "", "2026-10-01T08:15:00Z", 0, 3072, "", 600_000),
        ],
    ),
    "EMI, tenths of a second, overflow digits, thousandths": (
        EMI,
        padded(262, _1="202401")
        + padded(262, _1="010101", _7="261001", _15="3374490010", _25="1", _30="0199001234", _40="0000123", _55="081500", _61="0000605")
        + padded(262, _1="202402"),
        [("VOICE", "OUT", A, B, "2026-10-01T06:15:00Z", 61, 0, "", 123_000)],
    ),
    "PayEx, units and trailer": (
        PAYEX,
        f"H;Société;2026-11-01\nU;{A};{B};2026-10-01 08:15:00;S;63;0.5\nU;{A};;2026-10-01 08:16:00;MB;1.5;0.25\nT;2;0.75;4\n".encode("cp1252"),
        [
            ("VOICE", "OUT", A, B, "2026-10-01T06:15:00Z", 63, 0, "", 500_000),
            ("DATA", "OUT", A, "", "2026-10-01T06:16:00Z", 0, 1_572_864, "", 250_000),
        ],
    ),
    "BICS, by ICCID, operator names": (
        BICS,
        "timestamp,serviceTypeName,iccid,visitedOperatorName,volumeDownlink,volumeUplink,revenue,revenueCurrency\n"
        "2026-10-01T08:15:00+00:00,DATA,893301990000000101,Telekom D,1000,24,0.5,EUR\n"
        "2026-10-01T08:15:01Z,SMS MO,8933019900000001010,Telekom D,,,0.5,USD\n",
        [
            ("DATA", "OUT", A, "", "2026-10-01T08:15:00Z", 0, 1024, "26202", 500_000),
            ("SMS", "OUT", A, "=38111", "2026-10-01T08:15:01Z", 0, 0, "26202", None),
        ],
    ),
    "Asterisk, billsec of answered calls only": (
        ASTERISK,
        "".join(
            f'"","{A}","0199001234","c","x","ch","d","Dial","","{start}","{answer}","{start}","70","{sec}","{how}","3","u{sec}",""\n'
            for start, answer, sec, how in (
                ("2026-10-01 08:15:00", "2026-10-01 08:15:07", "63", "ANSWERED"),
                ("2026-10-01 08:20:00", "", "0", "NO ANSWER"),
                ("2026-10-01 08:25:00", "2026-10-01 08:25:00", "0", "ANSWERED"),
            )
        ),
        [("VOICE", "OUT", A, B, "2026-10-01T06:15:07Z", 63, 0, "", None)],
    ),
    "eiotclub, IMSI and a part of the file name": (
        EIOT, "1,2026-10-01 08:15:00,2026-10-01 09:15:00,8933019900000001010,208019900000101,2048,350650000000000,26202\n",
        [("DATA", "OUT", A, "", "2026-10-01T08:15:00Z", 0, 2048, "26202", None)],
    ),
    "HORISEN, MCC and MNC without zeros, Sent only": (
        HORISEN,
        "SMS_DT,MESSAGE_ID,SENDER,DESTINATION,DST_MCC,DST_MNC,SELL_PRICE,SELL_CURRENCY,SENDING_STATUS\n"
        f"2026-10-01 08:15:01,m1,{A},33199001234,208,1,0.00123456,EUR,Sent\n2026-10-01 08:15:02,m2,{A},33199001234,208,1,0.1,EUR,Error\n",
        [("SMS", "OUT", A, B, "2026-10-01T06:15:01Z", 0, 0, "20801", 1_235)],
    ),
    "Zintel, 64/U means the line itself, a credit": (
        ZINTEL, f"A,B,when,seconds,price\n{A},64/U,01/10/2026 08:15:00,63,-0.01\n",
        [("VOICE", "OUT", A, A, "2026-10-01T06:15:00Z", 63, 0, "", 10_000)],
    ),
    "ISPPhone, mm:ss and a month in words": (
        ISPPHONE, f"h\nacc,{A},  0199001234,FR,x,1 October 2026 08:15,1:03,0.01\n".replace("1 October", "01 October"),
        [("VOICE", "OUT", A, B, "2026-10-01T06:15:00Z", 63, 0, "", 10_000)],
    ),
    "Windstream, tabulations, minutes, services in words": (
        WINDSTREAM,
        "\t".join(["a", "r", "t", "10/1/2026 8:15:00 AM", "", A, "f", "p", "US", "2025550143", "p", "1", "1.05", "0.0123", "Long Distance Intrastate", ""])
        + "\n" + "\t".join(["a", "r", "t", "10/1/2026", "", A, "f", "p", "US", "", "p", "1", "1", "5", "Fee", ""]) + "\n",
        [("VOICE", "OUT", A, "12025550143", "2026-10-01T13:15:00Z", 63, 0, "", 12_300)],
    ),
    "Troop, two header lines, Excel days, a time as a fraction or as figures": (
        TROOP, f"Rapport,,,,\nA,B,country,date,time,minutes\n{A},6045550143,Canada,46296,0.25,2\n{A},447700900123,UK,46296,75959,2\n",
        [
            ("VOICE", "OUT", A, "16045550143", "2026-10-01T13:00:00Z", 120, 0, "", None),
            ("VOICE", "OUT", A, "447700900123", "2026-10-01T14:59:59Z", 120, 0, "", None),
        ],
    ),
    "CGRateS, comments, offsets in words, spelled durations": (
        CGRATES, f"ToR,Account,Destination,AnswerTime,Usage\n# note\n*voice,{A},0199001234,2026-10-01 08:15:00 +0000 UTC,1m3s\n",
        [("VOICE", "OUT", A, B, "2026-10-01T08:15:00Z", 63, 0, "", None)],
    ),
    "NetSapiens, the direction swaps the parties": (
        NETSAPIENS, f"orig,d,u,{A},s,1790842500,63,0199001234\nterm,d,u,anonymous,s,1790842500,5,{A}\n",
        [
            ("VOICE", "OUT", A, B, "2026-10-01T08:15:00Z", 63, 0, "", None),
            ("VOICE", "IN", A, "", "2026-10-01T08:15:00Z", 5, 0, "", None),
        ],
    ),
    "TAP as text: offsets by code and decimals from the header": (
        TAP_TEXT, f"002,x,3\n007,1,+0300\n011,a,{A},{B},20261001111500,1,63,1500\n",
        [("VOICE", "OUT", A, B, "2026-10-01T08:15:00Z", 63, 0, "", 1_500_000)],
    ),
    "BroadSoft, escaped separators": (
        BROADSOFT, f"Normal,{A},0199001234,20261001081500.123,63,a\\,b\nStart,{A},,,,\n",
        [("VOICE", "OUT", A, B, "2026-10-01T08:15:00Z", 63, 0, "", None)],
    ),
    "a sorted file tells which of the two hours": (
        TWO_HOURS, "".join(f"{A};3900;25/10/2026 {hour}\n" for hour in ("01:59", "02:10", "02:50", "02:05", "02:40", "03:00")),
        [
            ("VOICE", "OUT", A, "=3900", f"2026-10-{at}:00Z", 0, 0, "", None)
            for at in ("24T23:59", "25T00:10", "25T00:50", "25T01:05", "25T01:40", "25T02:00")
        ],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", REAL)
def test_a_layout_of_the_wholesale_world_can_be_described(name):
    description, text, expected = REAL[name]
    found = read(text if isinstance(text, bytes) else text.encode(), description, "cdr_1234_a_b.csv")
    assert ([told(row) for row in found.rows], found.rejects) == (expected, [])


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("H;Société\nU;33744900101;33199001234;2026-10-01 08:15:00;S;63;0.5\n", "TRUNCATED", 2),
        ("H;Société\nU;33744900101;33199001234;2026-10-01 08:15:00;S;63;0.5\nT;2;0.5;3\n", "BAD_TOTAL", 3),
        ("H;Société\nU;33744900101;33199001234;2026-10-01 08:15:00;S;63;0.5\nT;1;0.4;3\n", "BAD_TOTAL", 3),
        ("H;Société\nU;33744900101;33199001234;2026-10-01 08:15:00;S;63;0.5\nT;1;0.5;4\n", "BAD_TOTAL", 3),
        ("H;Société\nU;33744900101;33199001234;2026-10-01 08:15:00;S;63\nT;1;0.5\n", "FIELD_COUNT", 2),
        ('H;"Société\n', "BAD_QUOTE", 1),
        ("", "EMPTY_FILE", 1),
        ("\n \n", "EMPTY_FILE", 1),
        ("H;\0\n", "NUL_BYTE", 1),
        ("x" * 600_000, "LINE_TOO_LONG", 1),
    ],
)
def test_a_file_that_does_not_hold_together_loads_nothing(text, code, line):
    with pytest.raises(FormError) as refused:
        read(text.encode("cp1252"), PAYEX)
    assert (refused.value.errors[0].code, refused.value.errors[0].line) == (code, line)


def test_bytes_that_are_no_text_are_refused_at_their_line():
    with pytest.raises(FormError) as refused:
        read(f"{A};3900;25/10/2026 02:00\n{A};3900é;25/10/2026 02:00\n".encode("cp1252"), TWO_HOURS)
    assert (refused.value.errors[0].code, refused.value.errors[0].line, refused.value.errors[0].value) == (
        "BAD_ENCODING",
        2,
        "0xE9",
    )


def test_a_column_that_the_header_lacks_refuses_the_file():
    with pytest.raises(FormError, match=r"Colonnes absentes de la ligne de noms : « price », « seconds »"):
        read(b"A,B,when\n1,2,3\n", ZINTEL)


def test_a_last_line_that_is_cut_refuses_the_file():
    with pytest.raises(FormError, match="La dernière ligne est coupée"):
        read(f"{A};3900;25/10/2026 01:00;x;y\n{A};3900;25/10/2026 01:".encode(), TWO_HOURS)


def test_an_hour_that_does_not_exist_is_no_date():
    assert read(f"{A};3900;29/03/2026 02:30\n".encode(), TWO_HOURS).rejects == [(1, "BAD_DATE")]


def test_every_cause_keeps_its_place_in_the_law():
    description = described(
        {
            "type": {"source": "1", "map": {"V": "VOICE"}}, "msisdn": {"source": "2", "by": "iccid"}, "other_party": "3",
            "started_at": {"source": "4", "format": "aaaammjjhhmmss", "offset": "5"}, "duration_s": "6",
            "visited_plmn": {"source": "7", "map": {"DEUD2": "26202"}}, "wholesale_cost": "8",
        }
    )  # fmt: skip
    good = ["V", "8933019900000001010", B, "20261001081500", "", "63", "DEUD2", "0.5"]
    spoiled = {
        0: ("X", "BAD_TYPE"), 1: ("8933019900000009999", "UNKNOWN_LINE"), 2: ("mot", "BAD_NUMBER"), 3: ("2026100108150", "BAD_DATE"),
        4: ("heure", "BAD_DATE"), 5: ("1e3", "BAD_NUMBER"), 6: ("ZZZZZ", "UNKNOWN_PLMN"), 7: ("-1", "NEGATIVE"),
    }  # fmt: skip
    lines = [";".join([*good[:place], bad, *good[place + 1 :]]) for place, (bad, _) in spoiled.items()]
    lines += [";".join(["V", "sim", *good[2:]]), ";".join([*good[:5], "90000", *good[6:]]), ";".join(good)]
    found = read("\n".join(lines).encode(), description)
    causes = [cause for _, cause in spoiled.values()] + ["BAD_NUMBER", "ABSURD"]
    assert found.rejects == list(enumerate(causes, 1))
    assert found.raw == lines[:-1] and len(found.rows) == 1


def test_a_long_joined_identity_still_tells_rows_apart():
    description = described({**TWO_HOURS["fields"], "cdr_id": 'fichier + "#" + 2'}, doubled_hour="first")
    text = "".join(f"{A};390{rank};01/10/2026 02:30\n" for rank in (1, 2))
    found = read(text.encode(), description, "n" * 90)
    assert found.rejects == [] and len({row.key for row in found.rows}) == 2 and {len(row.key) for row in found.rows} == {64}


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"separator": "!"}, "separator", "Écrivez l'un de"),
        ({"zone": "Mars/Base"}, "zone", "n'est pas un fuseau"),
        ({"skip_lines": -1}, "skip_lines", "entre 0 et 1000"),
        ({"colour": "red"}, "description.colour", "n'est pas connu"),
        ({"fields": {"type": "=VOICE"}}, "fields.msisdn", "« Ligne » manque"),
        ({"record": "1", "records": [{"codes": ["a"], "role": "boss"}]}, "records[1].role", "rôle"),
        ({"sequence": "3"}, "sequence", "fichier:CDR_{}.csv"),
        ({"totals": [{"what": "rows", "source": "3"}]}, "totals[1].source", "en-tête:8"),
        ({"totals": [{"what": "rows", "source": "fin:3"}]}, "totals[1]", "Aucun type d'enregistrement"),
        ({"ignore": [{"source": "2"}]}, "ignore[1]", "is, ou bien is_not"),
        ({"fields": {**TWO_HOURS["fields"], "type": {"source": "1", "map": {"x": "FAX"}}}}, "fields.type.map.x", "VOICE OUT"),
        ({"fields": {**TWO_HOURS["fields"], "other_party": "Nom"}}, "fields.other_party.source", "sans ligne de noms"),
        ({"fields": {**TWO_HOURS["fields"], "other_party": "1-5"}}, "fields.other_party.source", "largeurs fixes"),
        ({"fields": {**TWO_HOURS["fields"], "other_party": "[a"}}, "fields.other_party.source", "ne désigne pas"),
        ({"separator": "fixed", "fields": {**TWO_HOURS["fields"], "msisdn": "A"}}, "fields.msisdn.source", "de 1 : 31-50"),
        (
            {"fields": {**TWO_HOURS["fields"], "started_at": {"source": "3", "format": "demain"}}},
            "fields.started_at.format",
            "jj/mm/aaaa",
        ),
    ],
)
def test_a_description_is_refused_where_it_is_wrong_with_what_to_write(change, field, words):
    with pytest.raises(LayoutRefused) as refused:
        parse({**TWO_HOURS, **change})
    assert any(error["field"] == field and words in error["message"] for error in refused.value.errors), refused.value.errors


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["1", "fin:1", "fixed", "@x", "=", "usage"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["source", "map", "fields", "codes", "type", "what", "unit", "@"]), inner, max_size=4)
    ),
    max_leaves=12,
)
KEYS = st.sampled_from(
    ["fields", "records", "ignore", "totals", "separator", "zone", "record", "header", "skip_lines", "sequence"]
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEYS, ANY, max_size=5) | ANY)
def test_no_description_does_anything_but_be_read_or_be_refused(form):
    errors = ()
    try:
        parse(form)
    except LayoutRefused as refusal:
        errors = refusal.errors
    assert all(error["message"] and error["field"] for error in errors)


ALPHABET = st.sampled_from([b"U;", b"H;", b"T;1", b'"', b"\n", b"\r", b"\r\n", b"\\", b"33744900101;", b"2026-10-01 08:15:00", b"\x1f", b"S;",
                            b";", b",", b"|", b"-", b"\xe9", b"\x81", b"\xef\xbb\xbf", b" ", b"0", b"MB;", b"\xf0\x9f", b"x" * 50])  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.lists(ALPHABET | st.binary(max_size=4), max_size=40).map(b"".join),
    st.sampled_from([PAYEX, TWO_HOURS, AAPT, ZINTEL, BROADSOFT, TAP_TEXT, *(row["description"] for row in examples().values())]),
)
def test_no_bytes_do_anything_but_be_read_or_be_refused(data, description):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sent"
        path.write_bytes(data)
        errors, lines = (), []
        try:
            text, _ = cdr_layout.rewrite(path, "essai.csv", parse(description), CARDS, Path(folder))
            lines = text.path.read_text(encoding="utf-8").split("\n")[:-1]
        except FormError as refusal:
            errors = refusal.errors
        assert all(error.line >= 1 and error.message for error in errors)
        for line in lines:
            assert line.count("\x1f") == 11 and line.split("\x1f")[0].isdigit()


def test_the_description_of_the_manual_reads_the_sample():
    manual = (Path(__file__).parent.parent.parent / "docs" / "formats-cdr.md").read_text()
    form = json.loads(manual.split("```json\n")[1].split("```")[0])
    file = DATA / "digitel-it" / "digitel_202610.csv"
    assert (len(read(file, form["description"]).rows), len(read(file, form["description"]).rejects)) == (17, 3)


def test_a_type_stands_on_two_columns_and_a_name_that_comes_twice_is_numbered():
    description = described(
        {
            "type": {"source": 'Rec + " " + Tele', "map": {"20 22": "SMS OUT", "30 *": "VOICE IN", "*": "-"}},
            "msisdn": "A", "other_party": "B", "started_at": {"source": "When", "format": "epoch"}, "wholesale_cost": "Cost#2",
        },
        header=True,
    )  # fmt: skip
    text = (
        f"Rec;Tele;A;B;When;Cost;COST\n20;22;{A};{B};1790842500;9;0.1\n30;11;{A};;1790842500;9;0.2\n40;1;{A};;1790842500;9;0.3\n"
    )
    found = read(text.encode("utf-8-sig"), description)
    assert [(row.type, row.direction, row.cost_micro) for row in found.rows] == [
        ("SMS", "OUT", 100_000),
        ("VOICE", "IN", 200_000),
    ]
    assert (found.rejects, dict(found.tally.skipped)) == ([], {"noms de colonnes": 1, "ligne écartée": 1})
