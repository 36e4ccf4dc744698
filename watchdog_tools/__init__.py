"""Watchdog Tools: small, idempotent keep-alive commands for cron, containers and monitoring.

Here is the registry: which commands there are, of which kind, and where the table of each is. Whoever wants to know
that asks here: the parsers, help, man pages and completion, --check, the health of a service, who is never counted,
documents and the tests.
"""

__version__ = "0.1.0"

CHECK, KEEPER, ADMIN = "check", "keeper", "admin"  # kinds: it checks; it keeps a service; it is an operator's
PROCESS, SERVICE = "process", "service"  # what a check tells: whether an instance exists; how it answers

# A name, `watchdog-tools status` for a subcommand -> its kind, what it tells, the module of its table.
COMMANDS = {
    "check-process": (CHECK, PROCESS, "checks.process"),
    "check-port": (CHECK, SERVICE, "checks.port"),
    "check-http": (CHECK, SERVICE, "checks.http"),
    "check-heartbeat": (CHECK, SERVICE, "checks.heartbeat"),
    "ensure-running": (KEEPER, "", "ensure_running"),
    "watchdog-tools": (ADMIN, "", "admin.verbs"),
    "watchdog-tools status": (ADMIN, "", "admin.verbs.status"),
    "watchdog-tools pause": (ADMIN, "", "admin.verbs.pause"),
    "watchdog-tools resume": (ADMIN, "", "admin.verbs.resume"),
    "watchdog-tools history": (ADMIN, "", "admin.verbs.history"),
    "watchdog-tools stop": (ADMIN, "", "admin.verbs.stop"),
    "watchdog-tools start": (ADMIN, "", "admin.verbs.start"),
    "watchdog-tools restart": (ADMIN, "", "admin.verbs.restart"),
    "watchdog-tools reload": (ADMIN, "", "admin.verbs.reload"),
    "watchdog-tools forget": (ADMIN, "", "admin.verbs.forget"),
}  # fmt: skip


def kind(name: str) -> str:
    """Return the kind of a command, empty for a program that is none of ours."""
    return COMMANDS[name][0] if name in COMMANDS else ""


def tells(name: str) -> str:
    """Return what a check tells. A program of others may tell anything: PROCESS, whose UNKNOWN vetoes."""
    return COMMANDS[name][1] if name in COMMANDS else PROCESS


def subcommands(name: str) -> tuple[str, ...]:
    """Return the verbs of a command, each of which is one of its own."""
    return tuple(each.partition(" ")[2] for each in COMMANDS if each.startswith(f"{name} "))


def scripts() -> tuple[str, ...]:
    """Return the names of the programs that an installation brings."""
    return tuple(name for name in COMMANDS if " " not in name)
