"""The words of the mails through their verbs, on both engines: what counts, what is kept, whom a preview speaks of."""

import asyncio
import io
import json
from datetime import UTC, datetime

import pytest
from PIL import Image

from jobs import face, mails, words
from jobs.words import ChangedMeanwhile, NothingChanged, UnknownCustomer
from rules.wording import TemplateRefused
from rules.words import KINDS
from tables.mail import Mail
from tables.timeline import TimelineEntry
from tables.words import MailTemplate
from tests.word_samples import TEXT, invoiced

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
KIND = "invoice_issued"
CONTEXT = {
    "customer_name": "Menuiserie Noël & Fils SA", "customer_number": "C1", "number": "F2026-000001",
    "issued_on": "1er novembre 2026", "due_on": "1er décembre 2026", "incl_vat": "1 204,86 €", "month": "octobre 2026",
    "payment_sentence": "À payer.",
    "link": "https://espace.exemple.example/f",
}  # fmt: skip


async def saved(version=0, **changes):
    await words.save(KIND, **(TEXT | changes), version=version, actor="camille", now=NOW)


async def test_without_any_version_the_shipped_words_leave_in_both_parts(database):
    mail = await words.compose(KIND, CONTEXT)
    assert mail.subject == "Facture F2026-000001 : 1 204,86 € TTC".replace(" :", "\u00a0:")
    for part in (mail.text, mail.html.replace("&amp;", "&")):
        assert "Menuiserie Noël & Fils SA" in part
        assert "https://espace.exemple.example/f" in part
        assert "Télécoms Imaginaires SAS, 1 rue de la Ligne Claire, 69000 Lyon" in part
        assert "01 99 00 40 40".replace(" ", "\u00a0") in part, "the seller speaks of itself without being asked"
    assert "cid:" not in mail.html
    assert mail.html.lstrip().startswith("<!doctype html>")


async def test_a_saved_text_leaves_at_once_and_is_told_in_the_journal(database):
    await saved()
    mail = await words.compose(KIND, CONTEXT)
    assert mail.subject == "Votre facture F2026-000001"
    assert "vous devez 1 204,86 €." in mail.text
    assert '<a class="go" href="https://espace.exemple.example/f"' in mail.html
    entry = (await TimelineEntry.select().order_by(TimelineEntry.id, ascending=False).output(load_json=True))[0]
    assert (entry["actor"], entry["subject"], entry["event"]) == ("camille", "mail_template", "saved")
    assert entry["before"]["subject"] == KINDS[KIND].subject
    assert entry["after"] == TEXT
    assert [version.shipped for version in await words.overview()].count(False) == 1


async def test_the_shipped_text_comes_back_as_a_version_of_its_own_and_nothing_is_lost(database):
    await saved()
    await saved(1, subject="Encore {{ number }}")
    await words.reset(KIND, 2, "claude", NOW)
    found = await words.current(KIND)
    assert (found.subject, found.version, found.shipped, found.actor) == (KINDS[KIND].subject, 3, True, "claude")
    history = await words.history(KIND)
    assert [(version.version, version.shipped) for version, _ in history] == [(3, True), (2, False), (1, False)]
    assert history[1][1] == [("-", "Votre facture {{ number }}"), ("+", "Encore {{ number }}")]
    assert ("-", "Encore {{ number }}") in history[0][1]
    events = await TimelineEntry.select(TimelineEntry.event).order_by(TimelineEntry.id).output(as_list=True)
    assert events == ["saved", "saved", "reset"]


async def test_after_a_return_the_text_follows_the_program(database, monkeypatch):
    await saved()
    await words.reset(KIND, 1, "claude", NOW)
    newer = KINDS[KIND].__class__(**{**vars(KINDS[KIND]), "subject": "Nouveau texte du logiciel"})
    monkeypatch.setitem(KINDS, KIND, newer)
    assert (await words.current(KIND)).subject == "Nouveau texte du logiciel"


async def test_a_refused_text_leaves_nothing_behind(database):
    for changes in ({"body": "{{ montant_tt }}"}, {"body": "{% for a in b %}{% endfor %}"}, {"subject": "a\nb"}, {"subject": ""}):
        with pytest.raises(TemplateRefused):
            await saved(**changes)
    with pytest.raises(NothingChanged):
        await words.save(KIND, KINDS[KIND].subject, KINDS[KIND].body.replace("\n", "\r\n"), 0, "camille", NOW)
    with pytest.raises(NothingChanged):
        await words.reset(KIND, 0, "camille", NOW)
    assert (await MailTemplate.count(), await TimelineEntry.count()) == (0, 0)


async def test_who_writes_from_an_older_version_is_told_by_whom_it_was_overtaken(database):
    await saved()
    with pytest.raises(ChangedMeanwhile, match="camille"):
        await saved(0, subject="Autre")
    with pytest.raises(ChangedMeanwhile):
        await words.reset(KIND, 0, "claude", NOW)
    assert await MailTemplate.count() == 1


@pytest.fixture
def at_once(monkeypatch):
    """Four clerks who have all read what counts before one of them writes."""
    current, readers, all_have_read = words.current, iter(range(4)), asyncio.Barrier(4)

    async def read_with_the_others(kind):
        found = await current(kind)
        if next(readers, None) is not None:
            await all_have_read.wait()
        return found

    async def save_together():
        monkeypatch.setattr(words, "current", read_with_the_others)
        tries = [saved(subject=f"Essai {place}") for place in range(4)]
        return [type(answer) for answer in await asyncio.gather(*tries, return_exceptions=True)]

    return save_together


async def test_of_four_who_save_at_once_one_is_kept_and_the_others_are_told(database, at_once):
    assert sorted(map(str, await at_once())) == sorted(map(str, [type(None)] + [ChangedMeanwhile] * 3))
    assert (await MailTemplate.count(), await TimelineEntry.count()) == (1, 1)


async def test_control_without_the_unique_version_more_than_one_is_kept(database, engine_name, at_once):
    await MailTemplate.raw("DROP INDEX mail_template_version")
    if engine_name == "sqlite":
        await MailTemplate.raw("DROP TRIGGER mail_template_replace")
    assert await at_once() == [type(None)] * 4
    assert await MailTemplate.count() == 4


async def test_the_database_itself_keeps_every_version(database, engine_name):
    await saved()
    acts = ["UPDATE mail_template SET body = 'x'", "DELETE FROM mail_template"]
    acts += (
        ["INSERT OR REPLACE INTO mail_template (kind, version, body, at) VALUES ('invoice_issued', 1, 'x', '2026-01-01')"]
        if engine_name == "sqlite"
        else ["TRUNCATE mail_template"]
    )
    for act in acts:
        with pytest.raises(Exception, match="frozen"):
            await MailTemplate.raw(act)
    assert (await words.current(KIND)).body == TEXT["body"]


async def test_a_preview_speaks_of_its_customer_and_of_no_other(database):
    await invoiced("Ardoise Dubois", "F2026-000001", 12_345)
    await invoiced("Boulangerie Petit", "F2026-000002", 67_890)
    shown = {number: (await words.preview(KIND, **TEXT, customer_number=number)).text for number in ("ARD", "BOU", "")}
    assert "Ardoise Dubois" in shown["ARD"] and "123,45" in shown["ARD"]
    assert "Boulangerie Petit" in shown["BOU"] and "678,90" in shown["BOU"]
    assert "Boulangerie" not in shown["ARD"] and "678,90" not in shown["ARD"]
    assert "Menuiserie Noël & Fils SA" in shown[""] and "Ardoise" not in shown[""] and "Boulangerie" not in shown[""]
    reminder = await words.preview("reminder_1", "{{ amount_due }}", "{{ number }}", "BOU")
    assert (reminder.subject, "F2026-000002" in reminder.text) == ("678,90\u202f€", True)


@pytest.mark.parametrize("number", ["C404", "\x00", "' OR 1=1 --", "x" * 500])
async def test_a_customer_who_does_not_exist_is_said_so(database, number):
    with pytest.raises(UnknownCustomer):
        await words.preview(KIND, **TEXT, customer_number=number)


async def test_a_trial_is_a_mail_like_any_other_and_each_is_a_new_one(database):
    for _ in range(2):
        made = await words.preview(KIND, **TEXT, customer_number="")
        await mails.trial(KIND, made, "camille@exemple.example")
    found = await Mail.select(Mail.kind, Mail.recipient, Mail.subject, Mail.state)
    assert found == [{"kind": KIND, "recipient": "camille@exemple.example", "subject": made.subject, "state": "queued"}] * 2


async def test_the_logo_goes_along_with_every_mail_and_stands_in_what_pages_show(database, data_dir):
    picture = io.BytesIO()
    Image.new("RGB", (40, 20), "#14549c").save(picture, "PNG")
    await face.save_logo(picture.getvalue(), "essai")
    made = await words.preview(KIND, **TEXT, customer_number="")
    assert 'src="cid:logo"' in made.html and "cid:" not in await words.shown(made)
    await mails.trial(KIND, made, "camille@exemple.example")
    mail = await Mail.select().first()
    (file,) = json.loads(mail["attachments"])
    assert (file["cid"], (data_dir / file["path"]).exists(), mails.files(mail)) == ("logo", True, [])
    assert "data:image/png;base64," in mails.shown(mail)


@pytest.mark.parametrize("code", KINDS)
async def test_every_kind_composes_from_what_its_act_must_give(database, code):
    mail = await words.compose(code, KINDS[code].least)
    assert mail.subject
    assert "{{" not in mail.text + mail.html
