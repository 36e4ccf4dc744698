"""check-process: is it running, as often as it should, and does it stay within its figures?"""

from __future__ import annotations

import os

from watchdog_tools.checks import run
from watchdog_tools.checks.process import scan
from watchdog_tools.checks.process.filter import ProcessQuery
from watchdog_tools.checks.process.verdict import UNITS, Found, ProcessConfig, verdict
from watchdog_tools.cli.command import Command, Option, UsageError
from watchdog_tools.cli.common_options import check_options, common
from watchdog_tools.core import UNKNOWN, Result
from watchdog_tools.core.thresholds import Range
from watchdog_tools.workers.worker import LOCAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.process.values import Values
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress


_STATES = "RSDTZIXWKP"  # of ps's first column
_LONGEST = 4096  # characters of a pattern
_WHICH = "Filters (all must match)"

_OPTIONS = (
    Option("-C --command", "NAME", "same as the argument NAME", many=True, group=_WHICH),
    Option("-a --argument-array", "ARGS", "the arguments, joined by spaces, contain ARGS literally",
           group=_WHICH),
    Option("--ereg-argument-array", "RE", "the arguments, joined by spaces, match the regular expression RE",
           group=_WHICH),
    Option("-u --user", "USER", "effective user, by name or number", group=_WHICH),
    Option("-p --ppid", "PPID", "children of process PPID", "whole", group=_WHICH),
    Option("-s --state", "STATES", "in one of these states: R S D T Z I, as ps shows them", group=_WHICH),
    Option("-z --vsz", "KIB", "at least KIB of virtual memory", "whole", group=_WHICH),
    Option("-r --rss", "KIB", "at least KIB of resident memory", "whole", group=_WHICH),
    Option("-k --no-kthreads", "", "exclude kernel threads", group=_WHICH),
    Option("--exe", "PATH", "the executable is PATH; unlike a name, this cannot be faked", group=_WHICH),
    Option("--pidfile", "FILE", "the process whose pid is in FILE", group=_WHICH),
    Option("-T --traditional", "", "accepted for check_procs; the check itself is never counted", group=_WHICH),
    Option("-m --metric", "METRIC", "what -w and -c apply to: the number of processes (PROCS), or for each "
           "process its RSS or VSZ (KiB), CPU (% of its lifetime), ELAPSED (s), FDS or THREADS", "|".join(UNITS),
           "PROCS", group="Verdict"),
    Option("--absent", "", "no process may run; same as -c 0:0", group="Verdict"),
    *check_options("the metric"),
    Option("--list", "", "print a line for each process: pid, user, state, executable, arguments",
           group="Output and exit code"),
    *common(),
)  # fmt: skip


def configure(values: Values) -> ProcessConfig:
    """Return the configuration. Raise UsageError with one sentence."""
    query = _query(values)
    if not query.has_filters() and (values["absent"] or not (values["warning"] or values["critical"])):
        raise UsageError("nothing to look for; give a NAME, another filter, or -w/-c for the count of all")
    config = ProcessConfig(
        query, values["metric"], values["warning"], _critical(values, query), absent=values["absent"]
    )
    config.listing = bool(values["list"] or values["verbose"])
    return config


def probe(config: ProcessConfig, progress: Progress) -> Waits[Result]:
    """Return the verdict; read nothing but /proc, the user database and the pidfile."""
    result: Result = yield lambda: _probe(config, progress)
    return result


def _probe(config: ProcessConfig, progress: Progress) -> Result:
    try:
        found = _find(config.query, progress)
        if config.metric != "PROCS":
            _measure(config.metric, found, progress)
    except scan.ScanUnavailable as unavailable:
        return Result(UNKNOWN, str(unavailable), reason=unavailable.reason)
    result = verdict(config, found)
    if config.query.pidfile:
        result.keeper.pidfile = config.query.pidfile
    if config.listing:
        from watchdog_tools.checks.process.listing import lines

        progress(LOCAL, "looking up the names of users")
        result.lines = tuple(lines(found.processes))
    return result


def _find(query: ProcessQuery, progress: Progress) -> Found:
    if not query.pidfile:
        return scan.find(query, progress)
    from watchdog_tools.checks.process import pidfile

    return pidfile.find(query, query.pidfile, progress)


def _measure(metric: str, found: Found, progress: Progress) -> None:
    from watchdog_tools.checks.process.metrics import figure

    progress(LOCAL, f"measuring {metric}")
    try:
        for process in found.processes:
            process.figure = figure(process, metric)
    except PermissionError as error:
        raise scan.ScanUnavailable(str(error), "permission") from None
    found.processes = [process for process in found.processes if process.figure is not None]


def _query(values: Values) -> ProcessQuery:
    query = ProcessQuery()
    query.name = _name({*values["args"], *values["command"]})
    query.name_bytes = os.fsencode(query.name or "")
    query.args = os.fsencode(values["argument_array"]) if values["argument_array"] else None
    query.pattern = values["ereg_argument_array"]
    if query.pattern and len(query.pattern) > _LONGEST:
        raise UsageError(f"--ereg-argument-array: a pattern has at most {_LONGEST} characters")
    if values["exe"]:
        if not values["exe"].startswith("/"):
            raise UsageError("--exe: the PATH of the executable starts with /; accepted: --exe /usr/sbin/nginx")
        query.exe = (values["exe"],)
    if values["state"]:
        query.states = values["state"].upper()
        if query.states.strip(_STATES):
            raise UsageError(f"--state: {values['state'][:80]!r} has others than the states {' '.join(_STATES)}")
    query.user, query.parent, query.pidfile = values["user"], values["ppid"], values["pidfile"]
    query.vsz, query.rss, query.kernel_threads = values["vsz"], values["rss"], not values["no_kthreads"]
    return query


def _name(names: set[str]) -> str | None:
    if len(names) > 1:
        raise UsageError(f"one NAME is accepted, not {' and '.join(repr(name[:80]) for name in sorted(names)[:2])}")
    for name in names:
        if not name or "/" in name:
            raise UsageError(f"{name[:80]!r} is not a name: it has no slash; use --exe PATH for an executable")
        return name
    return None


def _critical(values: Values, query: ProcessQuery) -> Range | None:
    if values["absent"]:
        if values["critical"] or values["metric"] != "PROCS":
            raise UsageError("--absent is -c 0:0 on the count; give no -c and no -m beside it")
        return Range("0:0")
    if values["critical"] or values["metric"] != "PROCS":
        return values["critical"]
    # "at most 5 zombies" is not about something that must run
    return None if values["warning"] and not query.is_specific() else Range("1:")


COMMAND: Command = Command(
    name="check-process",
    label="PROCESS",
    summary="Check that a process is running, as many times as it should. It reads /proc; zombies, processes of"
    " containers and the check itself are not counted.",
    arguments=("[NAME]", (0, 1), "the whole file name of the executable, of argv[0], or of an interpreter's script"),
    options=_OPTIONS,
    configure=configure,
    probe=probe,
    run=lambda *given: run(COMMAND, *given),
    rows=lambda config: config.listing,
    down=0,
    examples=(
        ("check-process nginx", "at least one is running"),
        ("check-process -u postgres -w 5: -c 1:100 --list postgres", "how many, and which"),
        ("check-process --pidfile /run/sshd.pid --exe /usr/sbin/sshd", "this program, and no other with its name"),
        ("check-process -m RSS -c 500000 agent.py", "none uses more than 500,000 KiB"),
    ),
    notes="Without -c, no running process is CRITICAL (-c 1:). A stopped process is WARNING unless -s T asks for it."
    " The state is UNKNOWN if processes that the caller may not see could change it. A process can choose its own name"
    " and arguments; --exe cannot be faked.",
    refused={
        "-P": "use -m CPU with -w and -c",
        "--pcpu": "use -m CPU with -w and -c",
        "--extra-opts": "write the options on the command line",
    },
)  # fmt: skip
