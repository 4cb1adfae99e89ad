"""What broke, told to the operator in one JSON line, and to the reader by a short code; never the other way round."""

import json
import logging
import re
import secrets
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

LOG = logging.getLogger("ligne_claire")
SECRET_PATH = re.compile(r"^(/acces/).+")


class OneJsonLine(logging.Formatter):
    """Control characters of a message cannot begin a second line: JSON escapes them."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"at": datetime.now(UTC).isoformat(), "level": record.levelname, "message": record.getMessage()}
        return json.dumps({**line, **getattr(record, "facts", {})})


def start_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneJsonLine())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)


def told_path(scope: Any) -> str:
    """The path as it may be written down: a one-time link loses its token."""
    path = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("?")[0]
    return SECRET_PATH.sub(r"\1…", path)


def incident(exc: BaseException, scope: Any) -> str:
    """Log a breakdown; the code, such as 7F3A, that the page shows."""
    code = secrets.token_hex(2).upper()
    trace = "".join(traceback.format_exception(exc))
    facts = {"incident": code, "method": scope["method"], "path": told_path(scope), "trace": trace}
    LOG.error("breakdown", extra={"facts": facts})
    return code
