"""Format `prometheus`: whatever a Result holds, a strict parser reads it, and promtool has no word to say."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from helpers.commands import run
from helpers.servers import Peer, serving
from hypothesis import given
from hypothesis import strategies as st

from watchdog_tools.core import CRITICAL, OK, UNKNOWN, WARNING, Metric, Result
from watchdog_tools.outputs import Invocation, render

RUN = Invocation(name="check-port", label="PORT", started=1e9, duration=0.0125, host="h1", verbose=True)
HEAD = re.compile(r"# HELP (?P<name>[a-z][a-z0-9_]*) (?P<help>[^\\]+)\n# TYPE (?P=name) (?P<kind>gauge|counter)\n")
SAMPLE = re.compile(
    r"(?P<name>[a-z][a-z0-9_]*)\{(?P<labels>(?:[a-z_]+=\"(?:[^\"\\]|\\[\\\"n])*\",?)+)\} (?P<value>\S+)\n"
)
TEXT = st.text(max_size=300) | st.text('{}",\\= \n#|_2', max_size=20)
METRICS = st.builds(
    Metric, TEXT | st.sampled_from(["time", "time_2", "time a:80", "age /x_3"]),
    st.floats(0, 1e15) | st.integers(0, 1 << 40), st.sampled_from(["s", "B", "KB", "%", "c", ""]),
)  # fmt: skip
RESULTS = st.builds(
    Result, st.sampled_from([OK, WARNING, CRITICAL, UNKNOWN]), TEXT, reason=TEXT, target=TEXT,
    metrics=st.lists(METRICS, max_size=10), details=st.just({}) | st.builds(lambda name: {"name": name}, TEXT),
)  # fmt: skip


def parsed(text: str) -> dict[str, dict[str, float]]:
    """Return the samples of each family by their labels. Fail on all that is not strictly the format."""
    families: dict[str, dict[str, float]] = {}
    comment, _, rest = text.partition("\n")
    assert comment.startswith("# ")
    assert not comment.startswith(("# HELP", "# TYPE"))
    assert text.isascii()
    while rest:
        head = HEAD.match(rest)
        assert head, rest
        assert head["name"] not in families, f"{head['name']} stands in two places"
        assert (head["kind"] == "counter") is head["name"].endswith("_total")
        samples = families.setdefault(head["name"], {})
        rest = rest[head.end() :]
        while found := SAMPLE.match(rest):
            assert found["name"] == head["name"]
            assert found["labels"] not in samples, f"{found['labels']} stands there twice"
            samples[found["labels"]] = float(found["value"])
            rest = rest[found.end() :]
        assert samples
    return families


def linted(text: str) -> None:
    """Have promtool read it, where there is one."""
    promtool = shutil.which("promtool")
    if promtool:
        ran = run(promtool, "check", "metrics", input=text)
        assert (ran.code, ran.out, ran.err) == (0, "", ""), text


def said(*words: object, code: int) -> dict[str, dict[str, float]]:
    """Run one of our commands, which has the format among its words; return what a collector reads."""
    ran = run(*words)
    assert (ran.code, ran.err) == (code, ""), ran
    linted(ran.out)
    return parsed(ran.out)


@given(RESULTS)
def test_whatever_a_result_holds_is_parsed(result: Result) -> None:
    """Three families of the check itself with a sample each, and no sample twice."""
    found = parsed("".join(f"{line}\n" for line in render("prometheus", result, RUN)))
    assert [len(found[f"watchdog_check_{each}"]) for each in ("state", "up", "duration_seconds")] == [1, 1, 1]


def test_figures_are_in_base_units() -> None:
    """Kilobytes as check_procs has them, percent as a ratio; several of one name have a label to tell them apart."""
    metrics = [
        Metric("rss_max", 3, "KB"), Metric("cpu_max", 12.5, "%"), Metric("time", 0.5, "s"), Metric("time_2", 1.5, "s"),
        Metric("age /run/a b", 7, "s"), Metric("size", 9, "B"), Metric("procs", 2), Metric("hits", 4, "c"),
    ]  # fmt: skip
    found = parsed("\n".join([*render("prometheus", Result(OK, "x", target="t", metrics=metrics), RUN), ""]))
    plain = 'check="check-port",target="t"'
    assert {name: samples for name, samples in found.items() if "_check_" not in name} == {
        "watchdog_rss_max_bytes": {plain: 3072},
        "watchdog_cpu_max_ratio": {plain: 0.125},
        "watchdog_time_seconds": {plain: 0.5, f'{plain},number="2"': 1.5},
        "watchdog_age_seconds": {'check="check-port",target="/run/a b"': 7},
        "watchdog_size_bytes": {plain: 9},
        "watchdog_procs": {plain: 2},
        "watchdog_hits_total": {plain: 4},
    }


@pytest.mark.parametrize(
    ("state", "reason", "up"),
    [(OK, "", 1), (WARNING, "", 1), (CRITICAL, "", 0), (UNKNOWN, "", 0), (OK, "pending", 0), (WARNING, "repairing", 0)],
)
def test_up_is_what_a_container_s_probe_calls_healthy(state: int, reason: str, up: int) -> None:
    """Where `--exit-style bool` exits with 0."""
    found = parsed("\n".join([*render("prometheus", Result(state, "x", reason=reason), RUN), ""]))
    assert found["watchdog_check_up"] == {'check="check-port"': up}
    assert found["watchdog_check_state"] == {'check="check-port"': state}


def test_hostile_values_of_labels() -> None:
    """Quotes, backslashes and line ends are escaped, and nothing ends a value early."""
    found = parsed("\n".join([*render("prometheus", Result(OK, 'a\n"b', target='x"\\\n} 1 é'), RUN), ""]))
    assert list(found["watchdog_check_up"]) == ['check="check-port",target="x\\"\\\\\\\\n} 1 \\\\xe9"']


def test_every_command_speaks_it(tmp_path: Path, starts_services: str) -> None:
    """The checks, the keeper and the operator's commands, in good health and not; wrong usage, too."""
    del starts_services
    form, state = ("-o", "prometheus"), ("--state-dir", tmp_path / "state")
    (tmp_path / "beat").touch()
    with serving(Peer.silence) as server:
        found = said("check-port", *form, server.at, "127.0.0.1:1", code=2)
        targets = [f'check="check-port",target="{each}"' for each in (server.at, "127.0.0.1:1")]
        assert list(found["watchdog_time_seconds"]) == targets
        twice = ("--port", server.at, "--port", server.at)
        found = said("ensure-running", "both", *form, *state, *twice, "--", "/bin/sleep", "600", code=0)
        labels = 'check="ensure-running",name="both",target="both"'
        assert list(found["watchdog_time_seconds"]) == [labels, f'{labels},number="2"']
    for name in ("web", "db"):
        found = said("ensure-running", name, *form, *state, "--", "/bin/sleep", "600", code=0)
        assert found["watchdog_check_state"] == {f'check="ensure-running",name="{name}",target="{name}"': 0}
    found = said("watchdog-tools", "status", *form, *state, code=0)
    own = f',state_dir="{tmp_path}/state"'  # root and a user may keep the same NAME
    told = [f'check="watchdog-tools status",name="{name}",target="{name}"{own}' for name in ("both", "db", "web")]
    assert list(found["watchdog_check_up"]) == told
    found = said("check-process", *form, "-m", "RSS", "--exe", Path("/bin/sleep").resolve(), code=0)
    assert min(found["watchdog_rss_max_bytes"].values()) > 100_000
    found = said("check-heartbeat", *form, tmp_path / "beat", "--max-age", "1h", code=0)
    assert 0 <= found["watchdog_age_seconds"][f'check="check-heartbeat",target="{tmp_path}/beat"'] < 600
    found = said("check-http", *form, "--bogus", code=3)
    assert found["watchdog_check_state"] == {'check="check-http"': 3}
    assert found["watchdog_check_up"] == {'check="check-http"': 0}
