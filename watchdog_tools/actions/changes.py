"""TOUCH: what is another than when the instance was started: said, written down, and for --restart-on acted on."""

from __future__ import annotations

from watchdog_tools.actions.context import now
from watchdog_tools.core import OK, WARNING
from watchdog_tools.core.baseline import compare, dump, fresh, older_than, parse, renewed
from watchdog_tools.core.record import RUNNING, STARTING
from watchdog_tools.core.text import human_duration
from watchdog_tools.state import record_files
from watchdog_tools.system.file_states import SECONDS, states
from watchdog_tools.workers import Check, run_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.actions.context import Run
    from watchdog_tools.core import Result
    from watchdog_tools.core.baseline import Baseline, Changes
    from watchdog_tools.core.config import ServiceConfig
    from watchdog_tools.core.record import Record, Seen
    from watchdog_tools.system.identity import Identity


class Comparison:
    """changes: of the instance that lives. record: its. baseline: what it was started with, if that is known.

    files: path -> its state now, as far as they could be asked. restart_on: those of the newer ones for which it is
    restarted.
    """

    __slots__ = ("baseline", "changes", "files", "record", "restart_on")

    def __init__(self, record: Record, baseline: Baseline | None, files: dict[str, str], changes: Changes) -> None:
        """Take the fields as the class describes them."""
        self.record = record
        self.baseline = baseline
        self.files = files
        self.changes = changes
        self.restart_on: list[str] = []

    @property
    def cause(self) -> str:
        """Why it is restarted, in words."""
        return older_than(self.restart_on)


def find(config: ServiceConfig, seen: Seen) -> Comparison | None:
    """Compare an instance that lives with what it was started with. None where there is nothing to compare."""
    record, command = seen.record, config.command_sum
    if record is None or not command or not seen.alive or record.phase != RUNNING:
        return None
    if not config.files and not (seen.baseline and seen.has_changed(command)):
        return None
    baseline, files = parse(seen.baseline, record), file_states(config.files)
    found = Comparison(record, baseline, files or {}, compare(baseline, command, files, config.optional))
    found.restart_on = [path for path in found.changes.newer if path in config.restart_on]
    return found


def file_states(paths: tuple[str, ...]) -> dict[str, str] | None:
    """Return each path's state, None where they could not be asked in time."""
    if not paths:
        return {}
    answers = run_all([Check(lambda _progress: states(paths))], SECONDS)
    return next((answer for answer in answers or () if isinstance(answer, dict)), None)


def write_started(run: Run, identity: Identity, files: dict[str, str] | None) -> None:
    """Write down what an instance was started with, once it runs: a start waits for nothing that is only told.

    files: as they were before; None where nobody knows.
    """
    if run.config.command_sum:
        _write(run, run.record(STARTING, identity=identity), fresh(run.config.command_sum, files or {}))


def tell(run: Run, found: Comparison | None, result: Result) -> Result:
    """Return the verdict on an instance that is kept, with what has changed since its start; remember what is new.

    The line that an operator's `restart` repeats is the last one seen, not the one that started it.
    """
    if found is None or result.state not in (OK, WARNING):
        return result
    if found.changes.unseen:
        run.save_command()
    if found.changes.to_write:
        _write(run, found.record, renewed(found.baseline, run.config.command_sum, found.files))
    words = found.changes.words(human_duration(max(now() - found.record.since, 0) / 1000))
    return add_words(result, words)


def add_words(result: Result, words: str) -> Result:
    """Return the verdict of what is healthy, with words about what has changed."""
    if words:
        result.summary += f"; {words}"
        if result.state == OK and not result.reason:
            result.reason = "changed"
    return result


def _write(run: Run, record: Record, baseline: Baseline) -> None:
    try:
        record_files.write_baseline(run.directory, run.name, dump(record, baseline))
    except OSError as error:
        run.note(f"what it was started with cannot be written down: {error.strerror}")
