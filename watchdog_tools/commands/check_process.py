"""check-process: is it running, as often as it should, and does it stay within its figures?"""

from __future__ import annotations

import os

from watchdog_tools.cli.common import common, judging
from watchdog_tools.cli.options import Command, Option, Wrong
from watchdog_tools.headcount import UNITS, Asked, Found, verdict
from watchdog_tools.probes import process as probe
from watchdog_tools.processes import Wanted
from watchdog_tools.ranges import Range
from watchdog_tools.result import UNKNOWN, Result
from watchdog_tools.system.looker import LOCAL
from watchdog_tools.text import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from watchdog_tools.cli.options import Values
    from watchdog_tools.system.looker import Say

_STATES = "RSDTZIXWKP"  # of ps's first column
_LONGEST = 4096  # characters of a pattern
_WHICH, _MORE = "Which processes (all filters must match)", "More"

_OPTIONS = (
    Option("-C --command", "NAME", "as the argument NAME", many=True, group=_WHICH),
    Option("-a --argument-array", "ARGS", "ARGS is part of the arguments, joined by blanks; a fixed text",
           group=_WHICH),
    Option("--ereg-argument-array", "RE", "the regular expression RE is found in the arguments", group=_WHICH),
    Option("-u --user", "USER", "effective user, a name or a number", group=_WHICH),
    Option("-p --ppid", "PPID", "children of the process PPID", "whole", group=_WHICH),
    Option("-s --state", "STATES", "in one of these states: R S D T Z I, as ps has them", group=_WHICH),
    Option("-z --vsz", "KIB", "with at least so much virtual memory", "whole", group=_WHICH),
    Option("-r --rss", "KIB", "with at least so much resident memory", "whole", group=_WHICH),
    Option("-k --no-kthreads", "", "no kernel threads", group=_WHICH),
    Option("--exe", "PATH", "the executable is PATH; nobody can fake that as they can a name", group=_WHICH),
    Option("--pidfile", "FILE", "the process that FILE names", group=_WHICH),
    Option("-T --traditional", "", "accepted for check_procs: ourselves never count", group=_WHICH),
    Option("-m --metric", "METRIC", "what -w and -c are for: the count (PROCS), or each process's RSS or VSZ "
           "(KiB), CPU (% of its life), ELAPSED (s), FDS, THREADS", "|".join(UNITS), "PROCS", group="Verdict"),
    Option("--absent", "", "it must not run: the same as -c 0:0", group="Verdict"),
    *judging("the metric"),
    Option("--list", "", "a line for each: pid, user, state, executable, arguments", group="Output and exit code"),
    *common(),
)  # fmt: skip


def settle(values: Values) -> Asked:
    """Return the configuration. Raise Wrong with one sentence."""
    given: dict[str, Any] = values
    wanted = _wanted(given)
    if not wanted.filters() and (given["absent"] or not (given["warning"] or given["critical"])):
        raise Wrong("nothing to look for; give a NAME, another filter, or -w/-c for the count of all")
    if given["list"]:
        values["verbose"] = given["verbose"] or 1
    asked = Asked(wanted, given["metric"], given["warning"], _critical(given, wanted), absent=given["absent"])
    asked.listing = bool(values["verbose"])
    return asked


def look(asked: Asked, say: Say) -> Result:
    """Return the verdict; read nothing but /proc, the user database and the pidfile."""
    try:
        found = _by_pidfile(asked.wanted, say) if asked.wanted.pidfile else probe.find(asked.wanted, say)
        if asked.metric != "PROCS":
            _measure(asked.metric, found, say)
    except probe.NotSeen as unseen:
        return Result(UNKNOWN, str(unseen), reason=unseen.reason)
    result = verdict(asked, found)
    if asked.wanted.pidfile:
        result.details["_pidfile"] = asked.wanted.pidfile
    if asked.listing:
        from watchdog_tools.probes.process_list import lines

        say(LOCAL, "looking up the names of users")
        result.lines = tuple(lines(found.processes))
    return result


def _by_pidfile(wanted: Wanted, say: Say) -> Found:
    from watchdog_tools.probes import pidfile

    say(LOCAL, "reading the pidfile")
    try:
        pid, doubt = pidfile.read(str(wanted.pidfile))
    except pidfile.Unreadable as unreadable:
        raise probe.NotSeen(str(unreadable), "pidfile") from None
    if pid == 1 and not wanted.by_name():  # in a container it is the service, elsewhere it is init
        raise probe.NotSeen(
            f"pidfile {quoted(str(wanted.pidfile))}: 1 is a pid of a service only in a container; accepted: "
            "with a NAME or --exe beside it", "pidfile",
        )  # fmt: skip
    found = probe.find(wanted, say, [] if pid is None else [pid])
    if pid is None:
        found.missing = "absent", "there is no such file"
    elif doubt:
        return _of_another(pid, doubt, found)
    elif not (found.processes or found.zombies or found.undecided):
        found.missing = "stale", f"stale, pid {pid} is {probe.stranger(pid)}"
    return found


def _of_another(pid: int, doubt: str, found: Found) -> Found:
    """Return that nothing was found; `stale-boot` where who has its pid now could be the one, `stale` where not."""
    other = Found()
    if found.processes or found.undecided or found.hidden:
        other.missing = "stale-boot", f"stale? {doubt} (pid {pid})"
    else:
        other.missing = "stale", f"stale, {doubt}, and pid {pid} is {probe.stranger(pid)}"
    return other


def _measure(metric: str, found: Found, say: Say) -> None:
    from watchdog_tools.probes.process_metrics import figure

    say(LOCAL, f"measuring {metric}")
    try:
        for process in found.processes:
            process.figure = figure(process, metric)
    except PermissionError as error:
        raise probe.NotSeen(str(error), "permission") from None
    found.processes = [process for process in found.processes if process.figure is not None]


def _wanted(given: dict[str, Any]) -> Wanted:
    wanted = Wanted()
    wanted.name = _name({*given["args"], *given["command"]})
    wanted.needle = os.fsencode(wanted.name or "")
    wanted.args = os.fsencode(given["argument_array"]) if given["argument_array"] else None
    wanted.pattern = given["ereg_argument_array"]
    if wanted.pattern and len(wanted.pattern) > _LONGEST:
        raise Wrong(f"--ereg-argument-array: a pattern has at most {_LONGEST} characters")
    if given["exe"]:
        if not given["exe"].startswith("/"):
            raise Wrong("--exe: the PATH of the executable starts with /; accepted: --exe /usr/sbin/nginx")
        wanted.exe = (given["exe"],)
    if given["state"]:
        wanted.states = given["state"].upper()
        if wanted.states.strip(_STATES):
            raise Wrong(f"--state: {given['state'][:80]!r} has others than the states {' '.join(_STATES)}")
    wanted.user, wanted.parent, wanted.pidfile = given["user"], given["ppid"], given["pidfile"]
    wanted.vsz, wanted.rss, wanted.kernel = given["vsz"], given["rss"], not given["no_kthreads"]
    return wanted


def _name(names: set[str]) -> str | None:
    if len(names) > 1:
        raise Wrong(f"one NAME is accepted, not {' and '.join(repr(name[:80]) for name in sorted(names)[:2])}")
    for name in names:
        if not name or "/" in name:
            raise Wrong(f"{name[:80]!r} is not a name: it has no slash; use --exe PATH for an executable")
        return name
    return None


def _critical(given: dict[str, Any], wanted: Wanted) -> Any:
    if given["absent"]:
        if given["critical"] or given["metric"] != "PROCS":
            raise Wrong("--absent is -c 0:0 on the count; give no -c and no -m beside it")
        return Range("0:0")
    if given["critical"] or given["metric"] != "PROCS":
        return given["critical"]
    # "at most 5 zombies" is not about something that must run
    return None if given["warning"] and not wanted.one() else Range("1:")


COMMAND = Command(
    name="check-process",
    label="PROCESS",
    summary="Is it running, as often as it should? Reads /proc; counts no zombies, no containers, and never itself.",
    arguments=("[NAME]", (0, 1), "the whole basename of the executable, of argv[0], or of an interpreter's script"),
    options=_OPTIONS,
    settle=settle,
    look=look,
    down=0,
    examples=(
        ("check-process nginx", "one or more are running"),
        ("check-process -u postgres -w 5: -c 1:100 --list postgres", "how many, and which"),
        ("check-process --pidfile /run/sshd.pid --exe /usr/sbin/sshd", "that one, and nobody in its disguise"),
        ("check-process -m RSS -c 500000 agent.py", "none is larger than 500,000 KiB"),
    ),
    notes="Without -c, none running is CRITICAL (-c 1:). A stopped process is WARNING unless asked for with -s T. "
    "UNKNOWN where what we may not see could change the verdict. Names and arguments are what a process says of "
    "itself: --exe cannot be faked.",
    refused={
        "-P": "use -m CPU with -w and -c",
        "--pcpu": "use -m CPU with -w and -c",
        "--extra-opts": "write the options on the command line",
    },
)  # fmt: skip
