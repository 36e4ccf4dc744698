"""Speaking on change: whether a run from cron says its verdict, with which words, and what is remembered of that.

A line is wanted where a verdict is of another condition than the one last said, where something was done, and as a
reminder; a bound says whether there is room for it. Times are ages in milliseconds: no clock is needed here.
"""

from __future__ import annotations

from watchdog_tools.core import CRITICAL, NAMES, OK
from watchdog_tools.core.events import DEEDS
from watchdog_tools.core.said import Deed, Said
from watchdog_tools.core.struct import Struct, replace
from watchdog_tools.core.text import human_duration

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

HOUR = 3_600_000
BURST = 3  # lines about changes in an hour
_SILENT = ("pending", "paused", "shutdown")  # it only takes time; an operator ordered it
# All reasons of an outage are one condition, but these: another thing is to be done, or waited for.
_OWN = ("held", "waiting", "daemon", "unstoppable", "lock-held", "no-state")
_FINE = ("ok", "changed")
_SHORT = 60_000  # for less it is not told since when


class Speech(Struct, frozen=True):
    """What a run has to say, and to remember.

    words: what to append to the verdict's sentence, maybe nothing; None where nothing is printed. said: what to
    remember once that was printed. unsaid: what to remember where it was not, None where no more than before.
    forget: what is remembered makes no difference any more.
    """

    words: str | None = None
    said: Said | None = None
    unsaid: Said | None = None
    forget: bool = False


def condition(state: int, reason: str) -> str:
    """Return the word by which verdicts are compared; empty for one that is silent."""
    if reason in _SILENT:
        return ""
    if state == OK:
        return "changed" if reason == "changed" else "ok"
    if reason in _OWN:
        return reason
    return "down" if state == CRITICAL or reason == "repairing" else NAMES[state].lower()


def speak(
    last: Said, verdict: tuple[int, str], deeds: Mapping[str, int], remind: int, at: Callable[[int], str]
) -> Speech:
    """Return what a run says and remembers.

    last: what is remembered, as old as it is now (`said.aged`). verdict: state and reason. deeds: what the run did, and
    how often. remind: milliseconds between reminders. at: words for the moment so many milliseconds ago.
    """
    now = condition(*verdict)
    done = {word: count for word, count in deeds.items() if word in DEEDS and count > 0}
    if verdict[1] == "forgotten":
        return Speech(forget=True)
    if not now:
        return Speech(unsaid=replace(last, deeds=_counted(last.deeds, done)) if done else None)
    found = _found(last, now, done)
    if _is_wanted(found, remind) and _has_room(found, remind):
        said = _after_saying(found)
        words = ", ".join([*_words(found, done, at), *_silence(found, said, remind)])
        return Speech(words=words, said=said, unsaid=replace(found, owed=int(now not in _FINE or found.owed)))
    if now == "ok" and found.said == "changed":  # what was changed runs by now, which is no news
        found = replace(found, said=now)
    if is_at_rest(found, remind):
        return Speech(forget=True)
    return Speech(unsaid=None if found.dump() == last.dump() else found)


def is_at_rest(said: Said, remind: int) -> bool:
    """Whether what is remembered makes no difference to what is said next: all is well, and long since said."""
    if not (said.said == said.seen == "ok") or said.debt or said.owed or (said.line is not None and said.line < remind):
        return False
    return all(not deed.count and (deed.said is None or deed.said >= remind) for deed in said.deeds)


def _counted(deeds: tuple[Deed, ...], done: Mapping[str, int]) -> tuple[Deed, ...]:
    """Return the deeds with those just done among the ones that are not said yet."""
    by_word = {deed.word: deed for deed in deeds}
    for word, count in done.items():
        old = by_word.get(word) or Deed(word=word)
        by_word[word] = replace(old, count=old.count + count)
    return tuple(by_word.values())


def _found(last: Said, now: str, done: Mapping[str, int]) -> Said:
    """Return what is remembered once this verdict was seen, said or not.

    Trouble whose end could not be said yet goes on where it comes back; one that was over before there was room to say
    it is none.
    """
    since, lasted, restarts = last.since, last.lasted, last.restarts
    if since is not None or now not in _FINE:
        restarts += sum(done.values())
    if now not in _FINE:
        since, lasted = since or 0, None
    elif last.said in _FINE and not last.owed:
        since, restarts = None, 0
    elif lasted is None:
        lasted = since
    return replace(last, seen=now, since=since, lasted=lasted, restarts=restarts, deeds=_counted(last.deeds, done))


def _is_wanted(found: Said, remind: int) -> bool:
    if found.seen not in _FINE:
        return found.seen != found.said or found.line is None or found.line >= remind
    due = any(deed.count and (deed.said is None or deed.said >= remind) for deed in found.deeds)
    return due or bool(found.owed) or (found.seen != found.said and (found.seen, found.said) != ("ok", "changed"))


def _has_room(found: Said, remind: int) -> bool:
    """Whether a line may be printed: three at once about changes, one more an hour; and one whenever --remind is over.

    The sum is at most three lines in any hour, and one in each --remind.
    """
    return found.line is None or found.line >= remind or found.debt <= (BURST - 1) * HOUR


def _after_saying(found: Said) -> Said:
    """Return what is remembered once it was said."""
    reminder = found.seen == found.said and found.seen not in _FINE
    debt = found.debt if reminder else min(found.debt + HOUR, BURST * HOUR)
    found = replace(found, said=found.seen, line=0, debt=debt, owed=0)
    if found.said not in _FINE:
        return found
    told = tuple(Deed(word=deed.word, said=0) if deed.count else deed for deed in found.deeds)
    return replace(found, since=None, lasted=None, restarts=0, deeds=told)


def _silence(found: Said, said: Said, remind: int) -> list[str]:
    """Return the words for a line that leaves no room for another one: who reads on must not take silence for calm."""
    wait = min(said.debt - (BURST - 1) * HOUR, remind)
    if said.debt == found.debt or wait <= 0:
        return []
    return [f"changes often: nothing more is said for {human_duration(wait / 1000)}"]


def _words(found: Said, done: Mapping[str, int], at: Callable[[int], str]) -> list[str]:
    """Return what a line says besides its verdict: since when, how long it was, how often what was done."""
    if found.seen not in _FINE:
        since = found.since or 0
        if found.seen != found.said and since < _SHORT:
            return []
        return [f"since {at(since)}, {human_duration(since / 1000)}{_restarts(found)}"]
    words, told = [], 0
    if found.since is not None and (found.owed or found.seen != found.said):
        lasted = found.since if found.lasted is None else found.lasted
        words.append(f"recovered after {human_duration(lasted / 1000)}{_restarts(found)}")
        told = found.restarts
    if sum(deed.count for deed in found.deeds) > told:
        words += [_often(deed, at) for deed in found.deeds if deed.count > done.get(deed.word, 0)]
    return words


def _restarts(found: Said) -> str:
    return f", {found.restarts} restart{'' if found.restarts == 1 else 's'}" if found.restarts else ""


def _often(deed: Deed, at: Callable[[int], str]) -> str:
    if deed.count == 1:
        return f"{deed.word} at {at(deed.first)}"
    return f"{deed.word} {deed.count} times since {at(deed.first)}"
