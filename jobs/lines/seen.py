"""What a person saw before confirming: an act is done to a line only while it stands as it was shown."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

from jobs.lines.acts import AT_ONCE, do, look
from jobs.lines.deeds import Act, Effect
from jobs.lines.held import hold
from rules.errors import RuleError
from tables.engine import transaction


class ChangedMeanwhile(RuleError):
    """A line that someone else changed between the look and the act."""

    status = 409


def mark(effect: Effect) -> str:
    """What a form carries of what it shows; `marked` reads it back."""
    return f"{effect.line}:{_digest(effect)}"


def marked(texts: Sequence[str]) -> dict[int, str]:
    """Line → what was seen of it; what is none is none of ours."""
    parts = (text.partition(":") for text in texts)
    return {int(line): digest for line, _, digest in parts if line.isascii() and line.isdigit() and len(line) < 10}


async def do_as_seen(act: Act, seen: Mapping[int, str], *, actor: str, now: datetime) -> list[Effect]:
    """`do`, to the lines that still stand as they were seen; the others are refused. Raises as `do` does."""
    lines, found = list(seen), dict[int, Effect]()
    if not lines:
        return await do(act, lines, actor=actor, now=now)
    for chunk in [lines[start : start + AT_ONCE] for start in range(0, len(lines), AT_ONCE)]:
        async with transaction():
            await hold(chunk)
            found |= {effect.line: effect for effect in await look(act, chunk, now)}
            still = [line for line in chunk if found[line].problem or _digest(found[line]) == seen[line]]
            found |= {line: found[line].refused(_late()) for line in set(chunk) - set(still)}
            if still:
                found |= {effect.line: effect for effect in await do(act, still, actor=actor, now=now)}
    return [found[line] for line in lines]


def _late() -> ChangedMeanwhile:
    return ChangedMeanwhile("Cette ligne vient de changer ailleurs. Regardez-la, puis recommencez.")


def _digest(effect: Effect) -> str:
    return sha256(effect.before.encode()).hexdigest()[:12]
