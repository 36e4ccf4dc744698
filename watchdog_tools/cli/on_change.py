"""--for cron: a run prints what is news, and remembers what it printed. Loaded where a verdict may be."""

from __future__ import annotations

import os

from watchdog_tools.core.text import printable, shortened
from watchdog_tools.state import default, is_own_file, memory_directory, said
from watchdog_tools.system import waiting
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.command import Command, Values
    from watchdog_tools.core import Result
    from watchdog_tools.core.speaking import Speech
    from watchdog_tools.workers.worker import Progress

_SECONDS = 0.4  # that a disk has, to tell and to take what is remembered: it follows the verdict (P1)
_SENTENCE = 600  # bytes of a sentence with what is appended


def speak(command: Command, config: object, values: Values, result: Result, write: Callable[[Values], bool]) -> None:
    """Print a verdict by `write`, which returns whether all of it was taken, if it is news.

    Without a NAME all that is not OK is news. Where what was last said cannot be read it is as if nothing had been;
    where it cannot be written the next run says it again.
    """
    name, directory = _remembers(command, values, config)
    if not name:
        write(values)
        return
    key = f"{command.name}.{name}"
    data = None if result.keeper.hangs or _hangs(name, values) else _read(name, key, directory)
    last = said.remembered(data, key)
    speech = said.speech(last, (result.state, result.reason), result.keeper.deeds, values["remind"])
    printed = False
    if speech.words is not None:
        if speech.words:
            sentence = shortened(printable(result.summary), _SENTENCE - len(speech.words))
            result.summary = f"{sentence}; {speech.words}"
        printed = write({**values, "quiet": False})
    if data is not None:  # a disk that hangs would keep another fork
        _remember(speech, key, directory, printed=printed, default=values["state_dir"] is None)


def _remembers(command: Command, values: Values, config: object) -> tuple[str, Callable[[], str]]:
    """Return the NAME by which it is remembered, maybe empty, and what finds the state directory."""
    if command.remembers:
        return command.remembers(config)
    return (values["name"] or "") if command.probe else "", lambda: values["state_dir"] or default(os.geteuid())


def _hangs(name: str, values: Values) -> bool:
    """Whether earlier runs for NAME wait in the kernel for what is remembered: no more are sent after them."""
    if not is_own_file(f"{waiting.HINT}-{os.geteuid()}-{name}"):
        return False
    return bool(waiting.hinted(name, values["state_dir"] or waiting.home() or memory_directory(default(0), 0)))


def _read(name: str, key: str, directory: Callable[[], str]) -> bytes | None:
    """Return what is remembered, empty where nothing is; None where a disk does not tell."""
    (found,) = run_all([Check(lambda _: said.read(directory(), key) or b"")], _SECONDS) or [b""]
    if isinstance(found, bytes):
        return found
    if found.reason == "timeout":
        waiting.leave_hint(name)
    return None


def _remember(speech: Speech, key: str, directory: Callable[[], str], *, printed: bool, default: bool) -> None:
    """Have a fork write down what was said, and what was seen."""
    new = speech.said if printed else speech.unsaid

    def write(_: Progress) -> bool:
        if new:
            said.write(directory(), new, default=default)
        elif speech.forget:
            said.remove(directory(), key)
        return True

    if new or speech.forget:
        run_all([Check(write)], _SECONDS)
