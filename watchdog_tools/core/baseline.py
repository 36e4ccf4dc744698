"""What an instance was started with: a checksum of its command, and what the files were that it goes by.

Compared for difference alone, so that no clock matters. The file NAME.start: its first line is `record.baseline_line`,
each further one `PATH STATE`, for a path by its checksum. Another release's file says nothing.
"""

from __future__ import annotations

from watchdog_tools.core.record import baseline_line
from watchdog_tools.core.text import checksum, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchdog_tools.core.record import Record

    # an instance's age in words, and the fields of its baseline, if one is known: what a worker sends
    Then = tuple[str, tuple[str, str, dict[str, str]] | None]

MISSING = "-"  # the state of a file that is not there, or cannot be asked; a command that nobody knows
_WORDS = 6  # of the first line
_SHOWN = 3  # paths in a sentence


class Baseline:
    """command: of the line that started it. latest: of the line last seen. files: checksum of a path -> its state."""

    __slots__ = ("command", "files", "latest")

    def __init__(self, command: str, latest: str, files: Mapping[str, str]) -> None:
        """Take the fields as the class describes them."""
        self.command = command
        self.latest = latest
        self.files = files


class Changes:
    """What is another than at an instance's start.

    command: its command line. newer: paths of files that are others now. missing: such that are not there now.
    unknown: such of which nobody knows what they were. unseen: this line is not written down yet as the last one seen.
    silent: the files could not be asked.
    """

    __slots__ = ("command", "missing", "newer", "silent", "unknown", "unseen")

    def __init__(self) -> None:
        """Nothing is."""
        self.command = self.unseen = self.silent = False
        self.newer: list[str] = []
        self.missing: list[str] = []
        self.unknown: list[str] = []

    @property
    def to_write(self) -> bool:
        """Whether the baseline is to be written anew."""
        return bool(self.unknown) or self.unseen

    def words(self, age: str) -> str:
        """Return what is said of it, or nothing. age: of the instance."""
        said = [f"runs the command of {age} ago"] if self.command else []
        said += [older_than(self.newer)] if self.newer else []
        said += [f"{_listed(self.missing)} {'is' if len(self.missing) == 1 else 'are'} missing"] if self.missing else []
        said += ["the files that it goes by cannot be asked"] if self.silent else []
        return "; ".join(said)


def older_than(paths: list[str]) -> str:
    """Return what is said of an instance whose files have changed."""
    return f"older than {_listed(paths)}"


def _listed(paths: list[str]) -> str:
    more = len(paths) - _SHOWN
    return ", ".join([*(quoted(path, 100) for path in paths[:_SHOWN]), *([f"{more} more"] if more > 0 else [])])


def dump(record: Record, baseline: Baseline) -> bytes:
    """Return the file's bytes."""
    lines = [f"{path} {state}\n" for path, state in baseline.files.items()]
    return (baseline_line(record, baseline.command, baseline.latest) + "".join(lines)).encode("ascii")


def parse(data: bytes, record: Record) -> Baseline | None:
    """Return the baseline of the record's very instance; None where the bytes are not one."""
    first, *lines = data.decode("ascii", "replace").split("\n")
    words, pairs = first.split(" "), [line.split(" ") for line in lines[:-1]]
    if len(words) != _WORDS or any(len(pair) != 2 for pair in pairs) or not data.endswith(b"\n"):  # noqa: PLR2004
        return None
    if f"{first}\n" != baseline_line(record, *words[4:]):
        return None
    return Baseline(words[4], words[5], dict(pairs))


def compare(
    baseline: Baseline | None, command: str, files: Mapping[str, str] | None, optional: Iterable[str] = ()
) -> Changes:
    """Return what has changed. files: path -> its state now, None where they could not be asked.

    optional: of these one that is missing is nothing to say. A file that is missing now is no newer one: it is named,
    and nothing follows from it.
    """
    found = Changes()
    found.silent = files is None
    then = baseline.files if baseline else {}
    for path, state in (files or {}).items():
        was = then.get(checksum(path))
        if was is None:
            found.unknown.append(path)
        elif state not in (MISSING, was):
            found.newer.append(path)
        if state == MISSING and path not in optional:
            found.missing.append(path)
    if baseline:
        found.command = baseline.command not in (MISSING, command)
        found.unseen = baseline.latest != command
    return found


def renewed(baseline: Baseline | None, command: str, files: Mapping[str, str]) -> Baseline:
    """Return the baseline with this line as the last one seen, and with the files of which it did not know."""
    then = baseline.files if baseline else {}
    now = {checksum(path): state for path, state in files.items()}
    return Baseline(
        baseline.command if baseline else MISSING, command, {path: then.get(path, state) for path, state in now.items()}
    )


def fresh(command: str, files: Mapping[str, str]) -> Baseline:
    """Return the baseline of an instance that is started now."""
    return Baseline(command, command, {checksum(path): state for path, state in files.items()})
