"""The environment, read once and checked. Every variable is named in the README."""

import os
import re
import secrets
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from rules.errors import RuleError
from rules.mail import LOOPBACK, smtp_server

SHORTEST_TOKEN = 32
NETWORK_MODES = ("manual", "sftp", "webhook")


class BadSettings(SystemExit):
    """A setting with which we do not start; the message is for the operator."""


def _list(name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in os.environ.get(name, "").split(",") if part.strip())


def _tokens(name: str) -> tuple[str, ...]:
    tokens = _list(name)
    if any(len(token) < SHORTEST_TOKEN for token in tokens):
        raise BadSettings(f"{name} : {SHORTEST_TOKEN} caractères au moins. Faites-en un avec « openssl rand -hex 32 ».")
    return tokens


@dataclass
class Settings:
    production: bool
    host: str
    port: int
    public_url: str
    allowed_hosts: tuple[str, ...]
    trusted_proxies: tuple[str, ...]
    data_dir: Path
    database_url: str
    secret_key: str = field(repr=False)
    data_key: str = field(repr=False)
    api_tokens: tuple[str, ...] = field(repr=False)
    cron_tokens: tuple[str, ...] = field(repr=False)
    sftp_url: str = field(repr=False)
    sftp_host_keys: tuple[str, ...]
    sftp_key_file: str
    smtp_url: str = field(repr=False)
    smtp_ca_file: str
    mail_allow_list: tuple[str, ...]
    network_mode: str
    network_webhook_url: str = field(repr=False)
    network_webhook_secret: str = field(repr=False)
    clock: datetime | None
    demo: bool

    @property
    def loopback(self) -> bool:
        return self.host in LOOPBACK

    def now(self) -> datetime:
        """The domain's clock, UTC. Sessions, tokens and throttles use real time."""
        return self.clock or datetime.now(UTC)


def _kept_key(data_dir: Path, name: str) -> str:
    """A key of development, made once and kept beside the data."""
    path = data_dir / f"{name}.key"
    if not path.exists():
        data_dir.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text()


def _network(sftp_url: str) -> tuple[str, str, str]:
    """How the wholesaler's network is asked, and for a webhook the address and the secret. Raises BadSettings."""
    mode, url, secret = (os.environ.get(f"NETWORK_{name}", "") for name in ("MODE", "WEBHOOK_URL", "WEBHOOK_SECRET"))
    mode = mode or "manual"
    if mode not in NETWORK_MODES:
        raise BadSettings(f"NETWORK_MODE={mode} : choisissez {', '.join(NETWORK_MODES[:-1])} ou {NETWORK_MODES[-1]}.")
    if mode == "sftp" and not sftp_url:
        raise BadSettings("NETWORK_MODE=sftp : donnez aussi SFTP_URL, le dépôt où les demandes sont déposées.")
    if mode == "webhook":
        try:
            parts = urlsplit(url)
            readable = bool(parts.hostname) and (parts.port or 0) >= 0 and url.isascii() and url.isprintable()
        except ValueError:
            parts, readable = urlsplit(""), False
        near = parts.scheme == "http" and parts.hostname in LOOPBACK
        if not readable or parts.username or parts.fragment or not (parts.scheme == "https" or near):
            raise BadSettings("NETWORK_WEBHOOK_URL : écrivez https://hôte/chemin, sans mot de passe. Rien ne part en clair.")
        if len(secret) < SHORTEST_TOKEN:
            raise BadSettings(f"NETWORK_WEBHOOK_SECRET : {SHORTEST_TOKEN} caractères au moins, connus de l'opérateur seul.")
    return mode, url, secret


def read() -> Settings:
    """From the environment. Raises BadSettings."""
    env = os.environ.get
    host = env("HOST", "127.0.0.1")
    environment = env("ENVIRONMENT") or ("development" if host in LOOPBACK else "")
    if environment not in ("development", "production"):
        raise BadSettings(f"HOST={host} : dites aussi ENVIRONMENT=production (ou development), pour que ce soit voulu.")
    production = environment == "production"
    data_dir = Path(env("DATA_DIR", "data")).resolve()
    clock = datetime.fromisoformat(env("CLOCK", "")) if env("CLOCK") else None
    if production and clock:
        raise BadSettings("CLOCK fige l'horloge : c'est refusé en production.")
    if clock and clock.tzinfo is None:
        raise BadSettings("CLOCK : un décalage horaire est nécessaire, par exemple 2026-11-02T09:00:00+01:00.")
    keys = {}
    for name in ("SECRET_KEY", "DATA_KEY"):
        keys[name] = env(name, "")
        if production and len(keys[name]) < SHORTEST_TOKEN:
            raise BadSettings(f"{name} : en production, {SHORTEST_TOKEN} caractères au moins.")
        keys[name] = keys[name] or _kept_key(data_dir, name.lower())
    port = int(env("PORT", "8000"))
    sftp_url, sftp_host_keys = env("SFTP_URL", ""), tuple(re.split(r"\s*[,\n]\s*", env("SFTP_HOST_KEY", "").strip(", \n")))
    if sftp_url and (urlsplit(sftp_url).scheme != "sftp" or not urlsplit(sftp_url).hostname):
        raise BadSettings("SFTP_URL : écrivez sftp://utilisateur@hôte:port/dossier.")
    if production and sftp_url and not any(sftp_host_keys):
        raise BadSettings(
            "SFTP_URL : en production, donnez aussi SFTP_HOST_KEY, la clé publique du serveur (ssh-keyscan, vérifiée)."
        )
    network_mode, network_webhook_url, network_webhook_secret = _network(sftp_url)
    smtp_url, smtp_ca_file = env("SMTP_URL", ""), env("SMTP_CA_FILE", "")
    if production and smtp_ca_file:
        raise BadSettings("SMTP_CA_FILE est réservé aux essais : c'est refusé en production.")
    try:
        _ = smtp_url and smtp_server(smtp_url, production)
    except RuleError as problem:
        raise BadSettings(str(problem)) from None
    return Settings(
        production=production,
        host=host,
        port=port,
        public_url=env("PUBLIC_URL", f"http://{host}:{port}").rstrip("/"),
        allowed_hosts=_list("ALLOWED_HOSTS"),
        trusted_proxies=_list("TRUSTED_PROXIES"),
        data_dir=data_dir,
        database_url=env("DATABASE_URL", ""),
        secret_key=keys["SECRET_KEY"],
        data_key=keys["DATA_KEY"],
        api_tokens=_tokens("API_TOKEN"),
        cron_tokens=_tokens("CRON_TOKEN"),
        sftp_url=sftp_url,
        sftp_host_keys=tuple(filter(None, sftp_host_keys)),
        sftp_key_file=env("SFTP_KEY_FILE", ""),
        smtp_url=smtp_url,
        smtp_ca_file=smtp_ca_file,
        mail_allow_list=_list("MAIL_ALLOW_LIST"),
        network_mode=network_mode,
        network_webhook_url=network_webhook_url,
        network_webhook_secret=network_webhook_secret,
        clock=clock,
        demo=env("DEMO", "1") != "0" and not production and host in LOOPBACK,
    )


SETTINGS = read()
