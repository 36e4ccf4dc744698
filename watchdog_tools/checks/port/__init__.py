"""check-port: does something accept connections there, and how long does that take?"""

from __future__ import annotations

from watchdog_tools.checks import run
from watchdog_tools.checks.port.config import configure
from watchdog_tools.cli.command import Command, Option
from watchdog_tools.cli.common_options import check_options, common

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.checks.port.config import Config, PortRequest
    from watchdog_tools.core import Result
    from watchdog_tools.workers import Waits
    from watchdog_tools.workers.worker import Progress

WHERE, TALK, TLS = "Target", "Expected response", "TLS"

OPTIONS = (
    Option("-H --hostname", "HOST[,HOST...]", "hosts, each checked on every -p, or socket paths", many=True,
           group=WHERE),
    Option("-p --port", "PORT[,PORT...]", "ports, 1 to 65535; without -H on the loopback address", many=True,
           group=WHERE),
    Option("-4 --use-ipv4", "", "use IPv4 addresses only", group=WHERE),
    Option("-6 --use-ipv6", "", "use IPv6 addresses only", group=WHERE),
    Option("--wait", "D", "keep trying for up to D; -t then limits each try", "duration", group="Time"),
    Option("--listening", "", "ask the kernel who listens, without connecting; :PORT means any address",
           group=WHERE),
    Option("--owner", "NAME", "with --listening: a process with this name must hold the socket", group=WHERE),
    Option("-e --expect", "STRING", "text that the server must send in its first 4 KiB; if repeated, one of them",
           many=True, group=TALK),
    Option("-r --refuse", "STATE", "state if the connection is refused: ok, warning, critical or unknown", "state",
           "critical", group=TALK),
    Option("-M --mismatch", "STATE", "state if the text is not that of -e: ok, warning, critical or unknown; use"
           " critical for a container's probe", "state", "warning", group=TALK),
    Option("-j --jail", "", "do not show what the server sent", group=TALK),
    Option("-S --ssl", "", "connect with TLS 1.2 or newer and verify the certificate", group=TLS),
    Option("--sni", "NAME", "name to send and to verify [default: the host]", group=TLS),
    Option("--ca-cert", "PATH", "trusted authorities: a PEM file or a hashed directory [default: the system's]",
           group=TLS),
    Option("--no-verify", "", "accept any certificate; the output says so", group=TLS),
    *check_options("the time in seconds"),
    *common(quiet="--quiet", limit_of="the whole check, or of each try with --wait"),
)  # fmt: skip

_LATER = "not yet; a plain -e reads what the server says first"
REFUSED = {
    **dict.fromkeys(("-s", "--send", "-E", "--escape", "-d", "--delay", "--quit"), _LATER),
    "-q": "use --quiet to print nothing while it is OK; check_tcp's -q, a string to send at the end, is not there yet",
    **dict.fromkeys(("-A", "--all"), "not yet; one -e with the longest text"),
    **dict.fromkeys(("-D", "--certificate"), "not yet; -S fails once the certificate has expired"),
    **dict.fromkeys(("-m", "--maxbytes"), "at most 4096 bytes are read"),
    "--extra-opts": "options come from the command line alone",
}


def probe_all(config: Config, progress: Progress) -> Waits[Result]:
    """Probe all targets, side by side."""
    probes = [_probe_of(config, request) for request in config.requests]
    if len(probes) == 1:
        return probes[0](progress)
    from watchdog_tools.workers.parallel import run_parallel

    on_timeout = config.requests[0].timing.on_timeout
    return run_parallel(
        [(str(request.target), each) for request, each in zip(config.requests, probes, strict=True)],
        on_timeout,
        progress,
    )


def _probe_of(config: Config, request: PortRequest) -> Callable[[Progress], Waits[Result]]:
    def once(progress: Progress) -> Waits[Result]:
        if config.listening:
            from watchdog_tools.checks.port.listening import probe_listening

            return probe_listening(request, config.owner, progress)
        from watchdog_tools.checks.port.probe import probe_port

        return probe_port(request, progress)

    def waiting(progress: Progress) -> Waits[Result]:
        from watchdog_tools.workers.retry import until_answer

        return until_answer(once, request.wait, progress)

    return waiting if request.wait else once


COMMAND: Command = Command(
    name="check-port",
    label="PORT",
    summary="Check that something accepts connections: TCP ports and unix sockets.",
    arguments=("[TARGET]...", (0, -1), "HOST:PORT, [IPv6]:PORT, :PORT (the loopback) or /path/of/a/socket"),
    options=OPTIONS,
    configure=configure,
    probe=probe_all,
    run=lambda *given: run(COMMAND, *given),
    longer=lambda config: config.requests[0].wait,
    target=lambda config: " ".join(str(request.target) for request in config.requests),
    examples=(
        ("check-port :8080", "something on this host accepts connections"),
        ("check-port -H db1,db2 -p 5432 -w 0.5 -c 2", "check both databases, and how fast they accept"),
    ),
    notes="A connection only shows that the kernel of the other side accepts it, even for a program that hangs; with -e"
    " the program itself must answer. All addresses of a name are tried in parallel, and the output says which one"
    " answered. With several targets the worst state is reported. Without TLS nothing is ever sent.",
    refused=REFUSED,
    down=0.0,
    timed=True,
)
