"""check-port's options become what to ask of each port; whatever contradicts itself is refused here."""

from __future__ import annotations

from watchdog_tools.cli.command import UsageError
from watchdog_tools.core.thresholds import Timing
from watchdog_tools.net.address import (
    MAX_TARGETS,
    Target,
    is_ipv4,
    is_ipv6,
    is_literal,
    parse_host,
    parse_path,
    parse_port,
    parse_target,
    shown,
)  # fmt: skip
from watchdog_tools.net.certificates import TlsVerify

TYPE_CHECKING = False
if TYPE_CHECKING:
    from watchdog_tools.checks.port.values import Values


class PortRequest:
    """What to ask of one port.

    wait: seconds to go on trying, 0 for one try. expect: banners, one of which must come. tls_verify:
    None for no TLS. refuse, mismatch: the states for that. jail: never show what the server said.
    """

    __slots__ = (
        "expect", "family", "jail", "mismatch", "refuse", "target", "timing", "tls_verify", "wait",
    )  # fmt: skip

    def __init__(  # noqa: PLR0913 -- a record, built by keyword
        self,
        target: Target,
        timing: Timing,
        *,
        refuse: int,
        mismatch: int,
        family: int = 0,
        wait: float = 0.0,
        expect: tuple[bytes, ...] = (),
        jail: bool = False,
        tls_verify: TlsVerify | None = None,
    ) -> None:
        """Take the fields as the class describes them."""
        self.target = target
        self.timing = timing
        self.family = family
        self.wait = wait
        self.expect = expect
        self.jail = jail
        self.tls_verify = tls_verify
        self.refuse = refuse
        self.mismatch = mismatch


class Config:
    """What to probe: one request a target."""

    __slots__ = ("listening", "owner", "requests")

    def __init__(self, requests: tuple[PortRequest, ...], owner: str | None, *, listening: bool) -> None:
        """Take the fields as the class describes them."""
        self.requests = requests
        self.listening = listening
        self.owner = owner


def configure(values: Values) -> Config:
    """Return the configuration. Raise UsageError; nothing is resolved, opened or connected."""
    try:
        found = list({str(each): each for each in _targets(values)}.values())
    except ValueError as error:
        raise UsageError(str(error)) from None
    if not 0 < len(found) <= MAX_TARGETS:
        raise UsageError(f"{len(found) or 'no'} targets; accepted: 1 to {MAX_TARGETS}, as HOST:PORT, or with -H and -p")
    _refuse_contradictions(values, found)
    try:
        requests = tuple(_request(values, each) for each in found)
    except ValueError as error:
        raise UsageError(f"--sni: {error}") from None
    return Config(requests, values["owner"], listening=bool(values["listening"]))


def _targets(values: Values) -> list[Target]:
    if any("@" in word for word in (*values["hostname"], *values["port"])):  # a comma may stand in a password
        raise UsageError("neither -H nor -p takes an @; accepted: names, addresses, /paths, and numbers")
    hosts = [each for word in values["hostname"] for each in word.split(",")]
    ports = [parse_port(each) for word in values["port"] for each in word.split(",")]
    found = [parse_target(word) for word in values["args"]]
    for each in hosts or [""] * bool(ports):
        if each.startswith("/"):
            found.append(Target(path=parse_path(each)))
        elif not ports:
            raise UsageError(f"-H {shown(each)} needs a -p PORT")
        else:
            name = parse_host(each.removeprefix("[").removesuffix("]")) if hosts else ""
            found += [Target(name, number) for number in ports]
    return found


def _refuse_contradictions(values: Values, found: list[Target]) -> None:
    """Refuse options that contradict each other, or that would be ignored."""
    if values["use_ipv4"] and values["use_ipv6"]:
        raise UsageError("-4 and -6 exclude each other; without both, both are tried")
    for given, other in ((values["use_ipv4"], is_ipv6), (values["use_ipv6"], is_ipv4)):
        wrong = [each for each in found if given and other(each.host)]
        if wrong:
            raise UsageError(f"{wrong[0]} is not an address of the family that was asked for")
    for flag in ("sni", "ca_cert", "no_verify"):
        if values[flag] and not values["ssl"]:
            raise UsageError(f"--{flag.replace('_', '-')} needs --ssl")
    if values["owner"] and not values["listening"]:
        raise UsageError("--owner needs --listening")
    if values["ca_cert"] and values["no_verify"]:
        raise UsageError("--ca-cert and --no-verify exclude each other")
    for each in found:
        if values["listening"] and each.host not in ("", "localhost") and not is_literal(each.host):
            raise UsageError(f"--listening asks no name server; accepted: an address or localhost, not {each.host}")
    for name in ("ssl", "expect", "warning", "critical"):
        if values["listening"] and values[name]:
            raise UsageError(f"--listening makes no connection, so --{name} has nothing to look at")
    if values["ssl"] and not (values["sni"] or values["no_verify"]) and any(each.path for each in found):
        raise UsageError("--ssl on a unix socket needs --sni NAME, to verify the certificate by")


def _request(values: Values, each: Target) -> PortRequest:
    tls_verify = None
    if values["ssl"]:
        name = parse_host(values["sni"]) if values["sni"] else each.host or "localhost"
        tls_verify = TlsVerify(name, values["ca_cert"], verify=not values["no_verify"])
    return PortRequest(
        each,
        Timing(*values["timeout"], values["warning"], values["critical"]),
        refuse=values["refuse"],
        mismatch=values["mismatch"],
        family=4 if values["use_ipv4"] else 6 if values["use_ipv6"] else 0,
        wait=values["wait"] or 0.0,
        expect=tuple(word.encode("utf-8", "surrogateescape") for word in values["expect"]),
        jail=bool(values["jail"]),
        tls_verify=tls_verify,
    )
