"""The fast parser and click, built from the same tables, never disagree."""

from __future__ import annotations

import json
import shlex

import pytest
from helpers.commands import run
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from watchdog_tools import COMMANDS as REGISTERED
from watchdog_tools import __version__, subcommands
from watchdog_tools.cli import click_parser, fast_parser
from watchdog_tools.cli.command import Command, Option, UsageError, find
from watchdog_tools.cli.converters import STATE_NAMES
from watchdog_tools.cli.subcommands import WORDS as VERBS_WITHOUT_OPTIONS
from watchdog_tools.outputs import FORMATS

COMMANDS = [find(name) for name in REGISTERED if not subcommands(name)]
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
        return click_parser.parse(command, line)
    except UsageError as wrong:
        return str(wrong)


@BY_NAME
def test_fast_parser_never_disagrees_with_click(command: Command) -> None:
    """Whatever the fast parser accepts, click reads the same way; and it accepts at least half."""
    served = []

    @settings(max_examples=300, deadline=None, database=None)
    @given(lines(command))
    def agree(line: list[str]) -> None:
        quick = fast_parser.parse(command, line)
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
                assert fast_parser.parse(command, line) is None
            else:
                assert fast_parser.parse(command, line) == by_click(command, line), flag


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
        ("check-port :80 --hostnam x", "did you mean --hostname"),
        ("check-port :80 -q", "use --quiet to print nothing"),
        ("check-port :80 -r maybe", "not a state; accepted: ok, warning, critical, unknown"),
        ("check-port :80 --fail-on ok", "not one of warning, critical"),
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
        ("ensure-running web --watch 3s -- true", "--every, which is 5s by default: longer than 0"),
        ("ensure-running web --niceness 3 -- true", "stand behind --"),
        ("ensure-running web --check 'check-port' -- true", "check-port"),
        ("ensure-running web --check 'check-port :80 --bogus' -- true", "--bogus"),
        ("ensure-running web --oneshot -- true", "--oneshot needs"),
        ("ensure-running web --umask 999 -- true", "octal"),
        ("ensure-running web --env novalue -- true", "NAME=VALUE"),
        ("ensure-running web --state-dir rel -- true", "absolute"),
        ("watchdog-tools", "missing argument: VERB"),
        ("watchdog-tools stauts", "did you mean status"),
        ("watchdog-tools -s /nowhere", "missing argument: VERB"),
        ("watchdog-tools -s status", "missing argument: VERB"),
        ("watchdog-tools -s", "-s needs a value"),
        ("watchdog-tools stop web --all", "NAME and --all exclude each other"),
        ("watchdog-tools stop", "missing argument: NAME, or --all"),
        ("watchdog-tools pause web --for 1h --until-boot", "--for and --until-boot exclude each other"),
        ("check-heartbeat /x --schedule @daily --tz Nowhere", "usage: --tz: 'Nowhere' is no time zone here"),
        ("ensure-running web --reload KILL -- true", "KILL is not one of HUP, USR1, USR2, WINCH"),
        ("ensure-running web --oneshot --port :1 --reload HUP -- true", "no process is known"),
        ("watchdog-tools -- status", "no such verb '--'"),
        ("watchdog-tools -o text stauts", "did you mean status"),
        ("watchdog-tools --bogus status", "no such option --bogus"),
        (
            "watchdog-tools -h stauts",
            "accepted: status, pause, resume, history, stop, start, restart, reload, forget, help,",
        ),
        ("watchdog-tools help stauts", "did you mean status; accepted: status"),
        ("watchdog-tools help stop web", "unexpected argument 'web'"),
        ("watchdog-tools version now", "unexpected argument 'now'"),
        ("watchdog-tools status .web", "NAME"),
        ("watchdog-tools status --state-dir rel", "absolute"),
        ("watchdog-tools pause", "missing argument: NAME"),
        ("watchdog-tools pause web --for 0", "shorter than a second"),
        ("watchdog-tools pause web --for 400d", "longer than a year"),
        ("watchdog-tools stop web --for cron", "a duration is accepted here, how long the pause lasts"),
        ("watchdog-tools pause web --until noon", "no such option --until"),
        ("watchdog-tools resume web db", "unexpected argument 'db'"),
        ("watchdog-tools stop -s /tmp/../x web", "absolute"),
        ("watchdog-tools start web --lock-wait 2d", "longer than a day"),
        ("watchdog-tools restart web -t 0", "--timeout"),
    ],
)
def test_wrong_usage_is_one_line_that_names_the_mistake(line: str, words: str) -> None:
    """Exit 3, one line on stdout, nothing on stderr, and the line teaches."""
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


@pytest.mark.parametrize("words", [("-o", "{}"), ("-o{}",), ("--format", "{}"), ("--format={}",)])
def test_wrong_usage_speaks_the_format_that_was_asked_for(words: tuple[str, ...]) -> None:
    """A program that reads objects, or values, is told in its own language; an unknown format is the usual line."""
    said = {
        form: run("check-port", *(word.format(form) for word in words), "-t", "0").out for form in (*FORMATS, "yaml")
    }
    usage = "--timeout: 0 would mean no time to look; accepted: 10, 500ms, 10:unknown; see check-port --help"
    assert said["text"] == said["zabbix"] == said["yaml"] == f"PORT UNKNOWN - usage: {usage}\n"
    told = json.loads(said["json"])
    assert (told["state"], told["reason"], told["summary"]) == ("UNKNOWN", "usage", f"usage: {usage}")


@pytest.mark.parametrize(
    ("line", "code", "is_json"),
    [
        ("check-port --foo -vo json", 3, True),
        ("check-port -ojson -otext --foo", 3, False),
        ("check-port -o text --format=json --foo --exit-style bool", 1, True),
        ("check-port -e -o json --foo", 3, False),
        ("check-port --foo -- -o json", 3, False),
        ("check-process -a 'java -o json' --foo", 3, False),
        ("ensure-running web --check 'check-port :80 -o json --exit-style bool' --foo -- x", 3, False),
        ("ensure-running web --foo -- x -o json --for docker", 3, False),
        ("watchdog-tools -o json stauts", 3, True),
        ("watchdog-tools pause web --for docker --foo", 3, False),
    ],
)
def test_what_is_no_option_of_the_line_has_no_say_in_its_format(line: str, code: int, is_json: bool) -> None:
    """Words of another command line, values and arguments are none; the last one of an option counts."""
    ran = run(*shlex.split(line))
    assert (ran.code, ran.out.startswith("{")) == (code, is_json), ran


def test_the_format_of_a_usage_error_may_come_from_the_environment() -> None:
    """As that of a verdict does; an option beats it."""
    env = {"PATH": "/usr/bin:/bin", "WATCHDOG_TOOLS_FORMAT": "json"}
    assert json.loads(run("check-port", "--bogus", env=env).out)["reason"] == "usage"
    assert run("check-port", "-o", "text", "--bogus", env=env).out.startswith("PORT UNKNOWN - usage: ")


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
def test_version_says_who_it_is(command: Command) -> None:
    """The name as it is typed, the package, and its version."""
    version = run(*command.name.split(), "-V")
    assert version.code == 0
    assert version.out.startswith(f"{command.name} (watchdog-tools) ")


def test_the_verbs_have_a_page_and_a_version() -> None:
    """`watchdog-tools --help` has a row for each verb, within 80 columns."""
    page = run("watchdog-tools", "--help")
    assert (page.code, page.err) == (0, "")
    assert all(len(line) <= 80 for line in page.out.splitlines())
    for verb in (*subcommands("watchdog-tools"), "help [VERB]", "version"):
        assert f"\n  {verb} " in page.out
    assert run("watchdog-tools", "-V").out == f"watchdog-tools {__version__}\n"


@pytest.mark.parametrize("word", ["help", "version"])
def test_the_help_of_a_verb_without_options_is_one_line(word: str) -> None:
    """Its own, as the page of all has it; not that page again."""
    ran = run("watchdog-tools", "help", word)
    assert (ran.code, ran.out, ran.err) == (0, f"watchdog-tools {word}: {VERBS_WITHOUT_OPTIONS[word]}\n", "")


@pytest.mark.parametrize("line", ["check-port --bogus", "check-port --zzz", "watchdog-tools status --bogus"])
def test_a_guess_that_is_far_off_is_not_made(line: str) -> None:
    """The dashes, in which all options are alike, make no likeness."""
    ran = run(*line.split())
    assert (ran.code, "did you mean" in ran.out) == (3, False), ran


@BY_NAME
def test_a_state_is_spelled_in_one_way(command: Command) -> None:
    """Help names each of them, in one order, and the defaults are so spelled; a duration's default has its unit."""
    for option in command.options:
        if option.kind in {"state", "timeout"}:
            assert "ok, warning, critical or unknown" in option.help
        if option.kind == "state":
            assert option.default in STATE_NAMES
        if option.kind in {"timeout", "duration", "span", "pause"}:
            assert (option.default or "0")[-1] in "0smh"
            assert option.default in {None, "0"} or not (option.default or "").isdigit()
    assert [option.kind for option in command.options if option.name == "fail_on"] == ["warning|critical"]


def test_the_interval_that_a_message_names_is_the_default() -> None:
    """Who gives --watch 3s alone has typed no --every."""
    (every,) = (option.default for option in find("ensure-running").options if option.name == "every")
    assert f"--every, which is {every} by default" in run("ensure-running", "web", "--watch", "3s", "--", "true").out


@pytest.mark.parametrize(
    ("line", "same"),
    [
        ("help", "--help"),
        ("help stop", "stop --help"),
        ("-h stop", "stop --help"),
        ("help -h", "--help"),
        ("help stop --help", "stop --help"),
        ("version", "--version"),
        ("version -V", "--version"),
        ("-V status", "status -V"),
        ("-s /nowhere/at/all status", "status -s /nowhere/at/all"),
        ("-s/nowhere/at/all -vv status web", "status web -s /nowhere/at/all -vv"),
        ("--state-dir=/nowhere/at/all -qvo zabbix status", "status -qvo zabbix -s /nowhere/at/all"),
        ("--for 0 pause web", "pause web --for 0"),
    ],
)
def test_a_verb_is_found_where_it_is_typed(line: str, same: str) -> None:
    """Its options may stand in front of it, and help and version are verbs as well."""
    one, other = (run("watchdog-tools", *each.split()) for each in (line, same))
    assert (one.code, one.out, one.err) == (other.code, other.out, ""), (one, other)
    assert "no such" not in one.out


def test_the_value_of_an_option_in_front_is_no_verb() -> None:
    """`-s stop status` names a directory, wrongly; it stops nothing."""
    ran = run("watchdog-tools", "-s", "stop", "status")
    assert (ran.code, "--state-dir: 'stop' is not an absolute path" in ran.out) == (3, True), ran
