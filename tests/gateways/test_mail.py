"""No field of a mail can begin a header of its own (promise D4)."""

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateways.mail import File, Letter, mime
from rules.errors import RuleError

PLAIN = {
    "sender_name": "Télécoms Imaginaires", "sender": "contact@telecoms-imaginaires.example", "recipient": "zoe@client.example",
    "subject": "Votre facture", "text": "Bonjour", "html": "<p>Bonjour</p>", "message_id": "<1@telecoms-imaginaires.example>",
}  # fmt: skip
HEADERS = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
PART = {"Content-Type", "Content-Transfer-Encoding", "Content-Disposition", "MIME-Version", "Content-ID"}
BREAKS = (
    "\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\x00", "=?utf-8?q?=0D=0A?=", "=?utf-8?b?DQo=?=",
    "\ud800", " ", ",", '"', "<", "é",
)  # fmt: skip
AFTER = ("Bcc: vol@ailleurs.example", "Subject: autre", "\r\n\r\ncorps", "@x.example", "")
injection = st.builds(
    lambda before, breaks, after: before + breaks + after, st.text(max_size=8), st.sampled_from(BREAKS), st.sampled_from(AFTER)
)
FIELDS = [*PLAIN, "file", "cid"]


@pytest.mark.parametrize("field", FIELDS)
@settings(deadline=None)
@given(value=st.one_of(injection, st.text(max_size=40)))
def test_no_field_adds_a_header_or_a_recipient(field, value):
    fields = PLAIN | ({field: value} if field in PLAIN else {})
    files = (
        File(value if field == "file" else "F1.pdf", b"%PDF"),
        File("logo.png", b"\x89PNG", value if field == "cid" else "logo"),
    )
    try:
        raw = mime(Letter(**fields, written_at=datetime(2026, 11, 2, 9, tzinfo=UTC), files=files))
    except (RuleError, ValueError):
        assert field not in ("text", "html") or "\ud800" in value or not value.isprintable()
        return
    message = message_from_bytes(raw, policy=default)
    assert set(message.keys()) <= HEADERS
    assert len(message.keys()) == len(HEADERS)
    for part in message.iter_parts():
        for inner in part.walk():
            assert set(inner.keys()) <= PART, inner.keys()
    assert len(message["To"].addresses) == 1
    assert [address.addr_spec for address in message["From"].addresses] == [PLAIN["sender"]] or field == "sender"


@pytest.mark.parametrize("field", ["sender_name", "sender", "recipient", "subject", "message_id", "file", "cid"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\r"])
def test_an_end_of_line_in_a_header_is_refused(field, end):
    fields = PLAIN | ({field: f"a{end}Bcc: vol@ailleurs.example"} if field in PLAIN else {})
    name = f"F1{end}X: y.pdf" if field == "file" else "F1.pdf"
    cid = f"logo{end}X: y" if field == "cid" else "logo"
    with pytest.raises(RuleError):
        mime(Letter(**fields, written_at=datetime(2026, 11, 2, tzinfo=UTC), files=(File(name, b""), File("logo.png", b"", cid))))
