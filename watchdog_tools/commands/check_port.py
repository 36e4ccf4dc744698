"""check-port: does something accept connections there, and how long does that take?"""

from __future__ import annotations

from watchdog_tools.certificates import Trust
from watchdog_tools.cli.common import common, judging
from watchdog_tools.cli.options import Command, Option, Wrong
from watchdog_tools.ports import Ask
from watchdog_tools.targets import MOST, Target, host, is_ipv4, is_ipv6, is_literal, path, port, shown, target
from watchdog_tools.timing import timing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from watchdog_tools.cli.options import Values
    from watchdog_tools.result import Result
    from watchdog_tools.system.looker import Say

WHERE, TALK, TLS = "What to connect to", "What to expect", "TLS"

OPTIONS = (
    Option("-H --hostname", "HOST[,HOST...]", "hosts or socket paths, each with every -p", many=True, group=WHERE),
    Option("-p --port", "PORT[,PORT...]", "ports, 1 to 65535; without -H of the loopback", many=True, group=WHERE),
    Option("-4 --use-ipv4", "", "IPv4 addresses only", group=WHERE),
    Option("-6 --use-ipv6", "", "IPv6 addresses only", group=WHERE),
    Option("--wait", "D", "go on trying for D; each try is then limited by -t", "duration", group="Time"),
    Option("--listening", "", "ask the kernel who listens, and connect to nothing; :PORT is any address", group=WHERE),
    Option("--owner", "NAME", "with --listening: a process of that name must hold it", group=WHERE),
    Option("-e --expect", "STRING", "text that the server must send in its first 4 KiB; repeated: one of them",
           many=True, group=TALK),
    Option("-r --refuse", "STATE", "the verdict on a refused connection: ok, warn, crit", "state", "crit", group=TALK),
    Option("-M --mismatch", "STATE", "the verdict on another text than -e; a container's probe wants crit", "state",
           "warn", group=TALK),
    Option("-j --jail", "", "never show what the server sent", group=TALK),
    Option("-S --ssl", "", "shake hands with TLS (1.2 or newer) and verify the certificate", group=TLS),
    Option("--sni", "NAME", "the name to ask for and to verify [default: the host]", group=TLS),
    Option("--ca-cert", "PATH", "authorities: a PEM file or a hashed directory [default: the system's]", group=TLS),
    Option("--no-verify", "", "accept any certificate; the line says so", group=TLS),
    *judging("the time in seconds"),
    *common(quiet="--quiet", of_look="one look"),
)  # fmt: skip

_LATER = "not yet; a plain -e reads what the server says first"
REFUSED = {
    **dict.fromkeys(("-s", "--send", "-E", "--escape", "-d", "--delay", "-q", "--quit"), _LATER),
    **dict.fromkeys(("-A", "--all"), "not yet; one -e with the longest text"),
    **dict.fromkeys(("-D", "--certificate"), "not yet; -S fails once the certificate has expired"),
    **dict.fromkeys(("-m", "--maxbytes"), "at most 4096 bytes are read"),
    "--extra-opts": "options come from the command line alone",
}


class Config:
    """What to look at, frozen: one Ask a target."""

    __slots__ = ("asks", "listening", "owner")

    def __init__(self, asks: tuple[Ask, ...], owner: str | None, *, listening: bool) -> None:
        """Take the fields as the class describes them."""
        self.asks = asks
        self.listening = listening
        self.owner = owner


def settle(values: Values) -> Config:
    """Return the configuration. Raise Wrong; nothing is resolved, opened or connected."""
    try:
        found = list({str(each): each for each in _targets(values)}.values())
    except ValueError as error:
        raise Wrong(str(error)) from None
    if not 0 < len(found) <= MOST:
        raise Wrong(f"{len(found) or 'no'} targets; accepted: 1 to {MOST}, as HOST:PORT, or with -H and -p")
    _agree(values, found)
    try:
        asks = tuple(_ask(values, each) for each in found)
    except ValueError as error:
        raise Wrong(f"--sni: {error}") from None
    seconds, state = values["timeout"]
    values["timeout"] = seconds + (values["wait"] or 0), state
    return Config(asks, values["owner"], listening=bool(values["listening"]))


def look(config: Config, say: Say) -> Result:
    """Look at all targets, side by side."""
    looks = [_looker(config, ask) for ask in config.asks]
    if len(looks) == 1:
        return looks[0](say)
    from watchdog_tools.system.abreast import abreast

    on_timeout = config.asks[0].timing.on_timeout
    return abreast([(str(ask.target), each) for ask, each in zip(config.asks, looks, strict=True)], on_timeout, say)


def _looker(config: Config, ask: Ask) -> Callable[[Say], Result]:
    def once(say: Say) -> Result:
        if config.listening:
            from watchdog_tools.probes import listening

            return listening.look(ask, config.owner, say)
        from watchdog_tools.probes import port as probe

        return probe.look(ask, say)

    def waiting(say: Say) -> Result:
        from watchdog_tools.system.again import until_answer

        return until_answer(once, ask.wait, say)

    return waiting if ask.wait else once


def _targets(values: Values) -> list[Target]:
    if any("@" in word for word in (*values["hostname"], *values["port"])):  # a comma may stand in a password
        raise Wrong("neither -H nor -p takes an @; accepted: names, addresses, /paths, and numbers")
    hosts = [each for word in values["hostname"] for each in word.split(",")]
    ports = [port(each) for word in values["port"] for each in word.split(",")]
    found = [target(word) for word in values["args"]]
    for each in hosts or [""] * bool(ports):
        if each.startswith("/"):
            found.append(Target(path=path(each)))
        elif not ports:
            raise Wrong(f"-H {shown(each)} needs a -p PORT")
        else:
            name = host(each.removeprefix("[").removesuffix("]")) if hosts else ""
            found += [Target(name, number) for number in ports]
    return found


def _agree(values: Values, found: list[Target]) -> None:
    """Refuse options that contradict each other, or that would be ignored."""
    if values["use_ipv4"] and values["use_ipv6"]:
        raise Wrong("-4 and -6 exclude each other; without both, both are tried")
    for flag, other in (("use_ipv4", is_ipv6), ("use_ipv6", is_ipv4)):
        wrong = [each for each in found if values[flag] and other(each.host)]
        if wrong:
            raise Wrong(f"{wrong[0]} is not an address of the family that was asked for")
    for name, needs in (("sni", "ssl"), ("ca_cert", "ssl"), ("no_verify", "ssl"), ("owner", "listening")):
        if values[name] and not values[needs]:
            raise Wrong(f"--{name.replace('_', '-')} needs --{needs}")
    if values["ca_cert"] and values["no_verify"]:
        raise Wrong("--ca-cert and --no-verify exclude each other")
    for each in found:
        if values["listening"] and each.host not in ("", "localhost") and not is_literal(each.host):
            raise Wrong(f"--listening asks no name server; accepted: an address or localhost, not {each.host}")
    for name in ("ssl", "expect", "warning", "critical"):
        if values["listening"] and values[name]:
            raise Wrong(f"--listening makes no connection, so --{name} has nothing to look at")
    if values["ssl"] and not (values["sni"] or values["no_verify"]) and any(each.path for each in found):
        raise Wrong("--ssl on a unix socket needs --sni NAME, to verify the certificate by")


def _ask(values: Values, each: Target) -> Ask:
    trust = None
    if values["ssl"]:
        name = host(values["sni"]) if values["sni"] else each.host or "localhost"
        trust = Trust(name, values["ca_cert"], verify=not values["no_verify"])
    return Ask(
        each,
        timing(values),
        refuse=values["refuse"],
        mismatch=values["mismatch"],
        family=4 if values["use_ipv4"] else 6 if values["use_ipv6"] else 0,
        wait=values["wait"] or 0.0,
        expect=tuple(word.encode("utf-8", "surrogateescape") for word in values["expect"]),
        jail=bool(values["jail"]),
        trust=trust,
    )


COMMAND = Command(
    name="check-port",
    label="PORT",
    summary="Check that something accepts connections: TCP ports and unix sockets.",
    arguments=("[TARGET]...", (0, -1), "HOST:PORT, [IPv6]:PORT, :PORT (the loopback) or /path/of/a/socket"),
    options=OPTIONS,
    settle=settle,
    look=look,
    target=lambda config: " ".join(str(ask.target) for ask in config.asks),
    examples=(
        ("check-port :8080", "is anything there on this host?"),
        ("check-port -H db1,db2 -p 5432 -w 0.5 -c 2", "both databases, and how fast"),
    ),
    notes="A connection says that the kernel of the other side takes it, even for a program that hangs; -e makes the"
    " program itself answer. All addresses of a name are tried side by side, and the line says which one answered. Of"
    " several targets the worst decides. Without TLS nothing is ever sent.",
    refused=REFUSED,
    down=0.0,
    timed=True,
)
