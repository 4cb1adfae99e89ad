"""The wholesaler's webhook: one signed call per network request, over verified TLS; nothing that it answers is trusted."""

import asyncio
import hmac
import json
import ssl
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from gateways.settings import SETTINGS
from rules.errors import RuleError
from rules.mail import LOOPBACK

CONNECT_S, IDLE_S, WHOLE_S = 10.0, 20.0, 30.0
LONGEST_BODY = 64 * 1024
SILENT = (502, 504)
"""What a proxy says when the server behind it did not answer: like silence."""
TIMESTAMP, SIGNATURE, ONCE = "Ligne-Claire-Timestamp", "Ligne-Claire-Signature", "Idempotency-Key"


class NetworkAway(RuleError):
    """No connection: nothing was said, to no request."""


class NotTaken(RuleError):
    """An answer that is no « yes »: the call may be made again."""


class NoAnswer(RuleError):
    """Silence once the call was made: it may have been taken."""


@dataclass(frozen=True)
class Said:
    """What the body of a « yes » may carry."""

    status: str = ""
    reason: str = ""
    msisdn: str = ""
    effective_at: str = ""


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """
    >>> signature("k", "1795525200", b"{}")[:24]
    'sha256=ca6942dc1a087c0a6'
    """
    return "sha256=" + hmac.digest(secret.encode(), f"{timestamp}.".encode() + body, "sha256").hex()


async def call(request_id: int, content: dict[str, Any], at: datetime) -> Said:
    """Make the call for one request. Raises NetworkAway, NotTaken, NoAnswer."""
    url, timestamp = SETTINGS.network_webhook_url, str(int(at.timestamp()))
    body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json", "Accept-Encoding": "identity", "User-Agent": "LigneClaire", ONCE: str(request_id),
        TIMESTAMP: timestamp, SIGNATURE: signature(SETTINGS.network_webhook_secret, timestamp, body),
    }  # fmt: skip
    if urlsplit(url).scheme != "https" and urlsplit(url).hostname not in LOOPBACK:
        raise NetworkAway("NETWORK_WEBHOOK_URL n'est pas une adresse https. Rien ne part en clair.")
    timeout = httpx.Timeout(IDLE_S, connect=CONNECT_S)
    try:
        async with (
            asyncio.timeout(WHOLE_S),
            httpx.AsyncClient(verify=ssl.create_default_context(), timeout=timeout, trust_env=False) as client,
            client.stream("POST", url, content=body, headers=headers) as answer,
        ):
            return _understood(answer.status_code, await _read(answer) if answer.is_success else b"")
    except (httpx.ConnectError, httpx.ConnectTimeout) as broken:
        why = "son certificat n'est pas sûr" if "CERTIFICATE" in str(broken) else "pas de liaison"
        raise NetworkAway(f"L'opérateur ne répond pas à NETWORK_WEBHOOK_URL ({why}). Rien n'est parti.") from None
    except (httpx.HTTPError, TimeoutError, ssl.SSLError, OSError):
        raise NoAnswer("L'opérateur s'est tu après avoir reçu la demande : il l'a peut-être prise.") from None


async def _read(answer: httpx.Response) -> bytes:
    """The body, or nothing of one that is too long or is cut: the « yes » was said."""
    found = b""
    try:
        async for chunk in answer.aiter_raw():
            found += chunk
            if len(found) > LONGEST_BODY:
                return b""
    except httpx.HTTPError:
        return b""
    return found


def _understood(status: int, body: bytes) -> Said:
    if status in SILENT:
        raise NoAnswer(f"La réponse {status} ne dit pas si l'opérateur a pris la demande.")
    if not 200 <= status < 300:
        raise NotTaken(f"L'opérateur n'a pas pris la demande (réponse {status}). Elle sera envoyée de nouveau.")
    try:
        told = json.loads(body or b"{}")
    except ValueError:
        told = {}
    known = told if isinstance(told, dict) else {}
    return Said(**{name: str(known.get(name) or "")[:500] for name in Said.__dataclass_fields__})
