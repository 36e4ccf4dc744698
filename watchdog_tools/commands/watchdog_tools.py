"""watchdog-tools: the operator's hand. How what is kept here stands, and what a run may do with it."""

from __future__ import annotations

from watchdog_tools.cli.options import Command, Option

_OPTIONS = (
    Option("-V --version", "", "show the version"),
    Option("-h --help", "", "show this page"),
)  # fmt: skip

COMMAND = Command(
    name="watchdog-tools",
    label="WATCHDOG-TOOLS",
    summary="The operator's hand: see how the services that ensure-running keeps stand, and have a say in it.",
    arguments=("VERB", (1, 1), "one of the verbs"),
    options=_OPTIONS,
    settle=dict,
    verbs=("status", "pause", "resume", "stop", "start", "restart"),
    examples=(
        ("watchdog-tools status", "a line for each service: its state, since when, its last words"),
        ("watchdog-tools pause web --for 30m --reason 'new disk'", "nothing is started or stopped for half an hour"),
        ("watchdog-tools stop web", "stop it, and keep it down for a day, or until start or resume"),
    ),
    exits=(
        ("0", "status: all are running, up or paused; the others: done"),
        ("1", "status: one is starting; the others: degraded"),
        ("2", "down, or held; or it could not be started or stopped"),
        ("3", "not done: nothing is kept under that NAME, another run has the lock, could not look; or wrong usage"),
        ("bool", "0 works, 1 does not"),
    ),
    notes="A NAME is what ensure-running was given, in the same state directory. A pause stops the hands, not the"
    " eyes: a paused service is looked at and reported as ever.",
)
