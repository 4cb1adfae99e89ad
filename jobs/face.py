"""The face that the reseller shows on pages, papers and mails: one verb to read it, three to change it."""

import asyncio
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from gateways import logos
from jobs import reseller
from jobs.lawful import lawful
from rules import colours
from rules.files import cells
from rules.files.rows import Column, Kind
from tables.engine import transaction
from tables.face import Branding
from tables.parties import Reseller

BRANDING = (
    Column("accent", colours.accent, ""),
    Column("welcome", cells.text, "", longest=400, lines=6),
    Column("service_hours", cells.text, "", longest=60),
    Column("sender_name", cells.text, "", longest=100),
    Column("sender_email", cells.email, ""),
)
LAW = Kind("face", (*reseller.SELLER.columns, *BRANDING), ("name",), reseller.SELLER.settle)


@dataclass(frozen=True)
class Face:
    """`accent` is for light grounds, `accent_dark` for dark ones; both empty = the house's own. `logo_sha256` names the bytes."""

    name: str
    accent: str
    on_accent: str
    logo_png: bytes | None
    logo_sha256: str
    welcome: str
    service_phone: str
    service_email: str
    service_hours: str
    sender_name: str
    sender_email: str
    accent_dark: str = ""
    on_accent_dark: str = ""

    @property
    def css(self) -> str:
        """The one thing that the reseller changes in the stylesheet; paper keeps its own black."""
        if not self.accent:
            return ""
        light = f"--accent: {self.accent}; --on-accent: {self.on_accent};"
        dark = f"--accent: {self.accent_dark}; --on-accent: {self.on_accent_dark};"
        return (
            f"@media screen {{ :root, #app {{ {light} }} }}\n"
            f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {dark} }} }}\n"
            f"@media screen {{ #app.dark_mode {{ {dark} }} }}\n"
        )

    @property
    def css_version(self) -> str:
        return sha256(self.css.encode()).hexdigest()[:12]


async def branding() -> dict[str, Any]:
    """The stored row; its defaults before the first change."""
    found = await Branding.select().where(Branding.id == reseller.ONLY).first()
    return found or {column._meta.name: "" for column in Branding._meta.columns} | {"id": reseller.ONLY}


async def face() -> Face:
    """What is shown now. A logo whose file is lost is not shown; its paper says so."""
    seller, row = await reseller.current(), await branding()
    try:
        png = logos.kept(row["logo_sha256"])
    except logos.LogoLost:
        png = None
    accent, dark = row["accent"], row["accent"] and colours.nearest(row["accent"], "dark")
    return Face(
        name=seller.name,
        accent=accent,
        on_accent=colours.ON_ACCENT["light"] if accent else "",
        logo_png=png,
        logo_sha256=row["logo_sha256"] if png else "",
        welcome=row["welcome"],
        service_phone=seller.phone,
        service_email=seller.email,
        service_hours=row["service_hours"],
        sender_name=row["sender_name"] or seller.name,
        sender_email=row["sender_email"] or seller.email,
        accent_dark=dark,
        on_accent_dark=colours.ON_ACCENT["dark"] if accent else "",
    )


async def save(values: dict[str, Any], actor: str) -> None:
    """Replace what `values` names, of the seller and of its face, or nothing. Raises NotLawful with every fault at once."""
    await reseller.current()
    clean = lawful(LAW, values)
    clean |= {"accent": ""} if clean.get("accent") == colours.HOUSE else {}
    own = {column.name for column in BRANDING}
    async with transaction():
        await reseller.change(Reseller, {name: value for name, value in clean.items() if name not in own}, actor)
        await reseller.change(Branding, {name: value for name, value in clean.items() if name in own}, actor)


async def save_logo(data: bytes, actor: str) -> None:
    """Draw the logo anew and show it everywhere from now on. Raises BadLogo."""
    png = await asyncio.to_thread(logos.drawn, data)
    await _show(await asyncio.to_thread(logos.keep, png), actor)


async def remove_logo(actor: str) -> None:
    """Show no logo from now on; sealed invoices keep theirs."""
    await _show("", actor)


async def _show(digest: str, actor: str) -> None:
    async with transaction():
        await reseller.change(Branding, {"logo_sha256": digest}, actor)
