"""watchdog-tools: how the services that ensure-running keeps are, and what an operator wants of them."""

from __future__ import annotations

from watchdog_tools import subcommands
from watchdog_tools.cli.command import Command, Option, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.core import Result

_OPTIONS = (
    Option("-V --version", "", "print the version"),
    Option("-h --help", "", "print this help"),
)  # fmt: skip


def _run(*_given: object) -> Result | None:
    raise UsageError("missing argument: VERB")


COMMAND = Command(
    name="watchdog-tools",
    label="WATCHDOG-TOOLS",
    summary="Show and control the services that ensure-running keeps.",
    arguments=("VERB", (1, 1), "one of the verbs"),
    options=_OPTIONS,
    configure=dict,
    run=_run,
    subcommands=subcommands("watchdog-tools"),
    examples=(
        ("watchdog-tools status", "one line for each service: its state, since when, its last event"),
        ("watchdog-tools pause web --for 30m --reason 'new disk'", "neither start nor stop it for half an hour"),
        ("watchdog-tools stop web", "stop it and keep it down for a day, or until start or resume"),
    ),
    exits=(
        ("0", "status: all are running, up or paused; other verbs: done"),
        ("1", "status: one is starting; other verbs: degraded"),
        ("2", "down, or held; or it could not be started or stopped"),
        ("3", "not done: NAME is not kept here, another run has the lock, state cannot be read; or wrong usage"),
        ("bool", "0 works, 1 does not"),
    ),
    notes="NAME is the one that ensure-running was given, in the same state directory. A paused service is neither"
    " started nor stopped, but still checked and reported. Options of a verb may also stand in front of it.",
)
