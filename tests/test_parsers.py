"""The fast parser and click, built from the same tables, never disagree."""

from __future__ import annotations

import pytest
from helpers.commands import run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from watchdog_tools.cli import face, fast
from watchdog_tools.cli.inner import find
from watchdog_tools.cli.options import Command, Option, Wrong

VERBS = [f"watchdog-tools {verb}" for verb in find("watchdog-tools").verbs]
COMMANDS = [find(name) for name in ("check-process", "check-port", "check-http", "ensure-running", *VERBS)]
BY_NAME = pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
WORDS = st.one_of(
    st.sampled_from(["10", "1:", "~:5", "2s", "a b", "x=y", "[::1]:80", ":80", "-", "0", "/tmp/x"]), st.text(max_size=6)
)


@st.composite
def spelled(draw: DrawFn, option: Option) -> list[str]:
    """One option as a user might write it, right or nearly right."""
    flag = draw(st.sampled_from(option.flags))
    if not option.metavar:
        return [draw(st.sampled_from([flag] * 20 + [flag[:-1], flag + "x", flag + "=1"]))]
    value = draw(WORDS)
    joined = f"{flag}={value}" if flag.startswith("--") else f"{flag}{value}"
    return draw(st.sampled_from([[flag, value]] * 8 + [[joined]] * 8 + [[flag]]))


@st.composite
def lines(draw: DrawFn, command: Command) -> list[str]:
    """A command line: options of the table, arguments, now and then a `--` or a stray word."""
    # a page is always click's: in a short table it would be asked for in every other line
    plain = [option for option in command.options if option.name not in {"help", "version"}]
    options = draw(st.lists(st.sampled_from([*plain * 3, *command.options]).flatmap(spelled), max_size=4))
    least, most = command.arguments[1]
    count = draw(st.integers(least, most if most >= 0 else least + 3))
    arguments = [[word] for word in draw(st.lists(WORDS, min_size=count, max_size=count))]
    parts = draw(st.permutations([*options, *arguments]))
    line = [word for part in parts for word in part]
    if command.tail:
        return [*line, *draw(st.sampled_from([["--"], []] + [["--", "prog", "-x", "--", "--help"]] * 60))]
    if draw(st.integers(0, 9)) == 0:
        line.insert(draw(st.integers(0, len(line))), "--")
    return line


def by_click(command: Command, line: list[str]) -> dict[str, list[str]] | str:
    """What click makes of a line that asks for no page: raw values, or why it refuses."""
    try:
        return face.read(command, line)
    except Wrong as wrong:
        return str(wrong)


@BY_NAME
def test_fast_parser_never_disagrees_with_click(command: Command) -> None:
    """Whatever the fast parser accepts, click reads the same way; and it accepts at least half."""
    served = []

    @settings(max_examples=300, deadline=None, database=None)
    @given(lines(command))
    def agree(line: list[str]) -> None:
        quick = fast.parse(command, line)
        served.append(quick is not None)
        if quick is not None:
            assert quick == by_click(command, line)

    agree()
    assert sum(served) * 2 >= len(served), f"{sum(served)} of {len(served)} served"


@BY_NAME
def test_each_option_alone_takes_the_fast_path(command: Command) -> None:
    """The plain spelling of every option is served without click, but for help and version."""
    arguments = ["x"] * command.arguments[1][0]
    for option in command.options:
        for flag in option.flags:
            line = [*arguments, flag, "1"] if option.metavar else [*arguments, flag]
            line += ["--", "prog", flag] if command.tail else []
            if option.name in ("help", "version"):
                assert fast.parse(command, line) is None
            else:
                assert fast.parse(command, line) == by_click(command, line), flag


@BY_NAME
def test_no_spelling_is_declared_twice_or_refused_and_taken(command: Command) -> None:
    """A table that contradicts itself would serve one user and puzzle the next."""
    flags = [flag for option in command.options for flag in option.flags]
    assert len(flags) == len(set(flags))
    assert not set(flags) & set(command.refused)
    assert len({option.name for option in command.options}) == len(command.options)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("check-process", "usage:"),
        ("check-process --comand x", "--command"),
        ("check-port", "usage:"),
        ("check-port :99999", "1 to 65535"),
        ("check-port :80 --timeot 3", "did you mean --timeout"),
        ("check-port :80 -t 0", "--timeout"),
        ("check-port :80 -t 3:maybe", "unknown"),
        ("check-http ftp://x/", "http"),
        ("check-http http://x/ -w 5:1", "range"),
        ("check-http http://x/ --for nobody", "docker, k8s"),
        ("ensure-running web", "stands behind --"),
        ("ensure-running web sleep 5 --port :1", "stands behind --"),
        ("ensure-running web -- ", "stands behind --"),
        ("ensure-running -- sleep 5", "missing argument"),
        ("ensure-running web more -- sleep 5", "unexpected argument 'more'"),
        ("ensure-running web --startup-timeout 30d -- true", "longer than a day"),
        ("ensure-running .web -- true", "NAME"),
        ("ensure-running web --nice 3 -- true", "stand behind --"),
        ("ensure-running web --check 'check-port' -- true", "check-port"),
        ("ensure-running web --check 'check-port :80 --bogus' -- true", "--bogus"),
        ("ensure-running web --oneshot -- true", "--oneshot needs"),
        ("ensure-running web --umask 999 -- true", "octal"),
        ("ensure-running web --env novalue -- true", "NAME=VALUE"),
        ("ensure-running web --state-dir rel -- true", "absolute"),
        ("watchdog-tools", "missing argument: VERB"),
        ("watchdog-tools stauts", "did you mean status"),
        ("watchdog-tools -o text status", "the verb stands first"),
        ("watchdog-tools -- status", "the verb stands first"),
        ("watchdog-tools status .web", "NAME"),
        ("watchdog-tools status --state-dir rel", "absolute"),
        ("watchdog-tools pause", "missing argument: NAME"),
        ("watchdog-tools pause web --for 0", "shorter than a second"),
        ("watchdog-tools pause web --for 400d", "longer than a year"),
        ("watchdog-tools pause web --until noon", "no such option --until"),
        ("watchdog-tools resume web db", "unexpected argument 'db'"),
        ("watchdog-tools stop -s /tmp/../x web", "absolute"),
        ("watchdog-tools start web --lock-wait 2d", "longer than a day"),
        ("watchdog-tools restart web -t 0", "--timeout"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_mistake(line: str, words: str) -> None:
    """Exit 3, one line on stdout, nothing on stderr, and the line teaches."""
    import shlex

    ran = run(*shlex.split(line))
    assert (ran.code, ran.err) == (3, "")
    assert ran.out.count("\n") == 1
    assert "usage:" in ran.out
    assert words in ran.out


@pytest.mark.parametrize("consumer", ["docker", "k8s", "cron"])
def test_wrong_usage_is_unhealthy_where_codes_are_bool(consumer: str) -> None:
    """Docker has only 0 and 1; a usage error is not healthy."""
    assert run("check-port", "--for", consumer, "--bogus").code == 1
    assert run("check-port", f"--for={consumer}", "--bogus").code == 1


def test_the_style_of_a_usage_error_is_not_read_from_the_start_command() -> None:
    """`--for docker` behind -- is the program's own option; an explicit style beats the environment."""
    assert run("ensure-running", "x", "--bogus", "--", "prog", "--for", "docker").code == 3
    env = {"PATH": "/usr/bin:/bin", "WATCHDOG_TOOLS_FOR": "docker"}
    assert run("check-port", "--bogus", env=env).code == 1
    assert run("check-port", "--exit-style", "nagios", "--bogus", env=env).code == 3


def test_wrong_usage_for_zabbix_is_the_one_code_that_is_not_0() -> None:
    """Zabbix ignores codes, a person who tries the line by hand does not."""
    assert run("check-port", "--for", "zabbix", "--bogus").code == 3


@BY_NAME
def test_help_is_a_whole_page(command: Command) -> None:
    """Grouped options with defaults, exit codes, two examples, within 80 columns; exit 0."""
    ran = run(*command.name.split(), "--help")
    assert (ran.code, ran.err) == (0, "")
    assert all(len(line) <= 80 for line in ran.out.splitlines())
    for option in command.options:
        assert option.flags[-1] in ran.out
    assert "Exit codes:" in ran.out
    assert len(command.examples) >= 2


@BY_NAME
def test_version_and_completion_answer(command: Command) -> None:
    """-V says who it is; the shell's completion knows the options."""
    version = run(*command.name.split(), "-V")
    assert version.code == 0
    assert version.out.startswith(f"{command.name} (watchdog-tools) ")
    script, *verb = command.name.split()
    env = {
        "PATH": "/usr/bin:/bin",
        f"_{script.replace('-', '_').upper()}_COMPLETE": "bash_complete",
        "COMP_WORDS": f"{command.name} --ti",
        "COMP_CWORD": str(1 + len(verb)),
    }
    assert "--timeout" in run(script, env=env).out


def test_the_verbs_have_a_page_and_a_version_and_are_completed() -> None:
    """`watchdog-tools --help` has a row for each verb, within 80 columns; a mistyped one is no crash."""
    page = run("watchdog-tools", "--help")
    assert (page.code, page.err) == (0, "")
    assert all(len(line) <= 80 for line in page.out.splitlines())
    for verb in find("watchdog-tools").verbs:
        assert f"\n  {verb} " in page.out
    assert run("watchdog-tools", "-V").out.startswith("watchdog-tools (watchdog-tools) ")
    env = {"PATH": "/usr/bin:/bin", "_WATCHDOG_TOOLS_COMPLETE": "bash_complete", "COMP_WORDS": "watchdog-tools re"}
    assert "restart" in run("watchdog-tools", env=env | {"COMP_CWORD": "1"}).out
    assert run("watchdog-tools", "status", "--bogus", env=env | {"COMP_CWORD": "1"}).code == 3
