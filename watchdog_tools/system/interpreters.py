"""The script, module or jar that an interpreter runs, read from its arguments as it reads them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


SHELLS = frozenset({"sh", "bash", "dash", "ash", "hush", "zsh", "ksh", "mksh", "fish"})


class Grammar:
    """How an interpreter reads its options.

    valued: take the next word, unless the value is attached. attached: the rest of the word is their
    value, if any. stops: what follows is no program's name (code, stdin). names: their value is the
    program. letters: one dash may carry several.
    """

    __slots__ = ("attached", "letters", "names", "stops", "valued")

    def __init__(
        self, *, valued: str = "", attached: str = "", stops: str = "", names: str = "", letters: bool = True
    ) -> None:
        self.valued = valued.split()
        self.attached = attached.split()
        self.stops = stops.split()
        self.names = names.split()
        self.letters = letters


_NODE = Grammar(
    valued="-r --require --import --loader --experimental-loader -C --conditions --env-file"
    " --env-file-if-exists --title --watch-path --inspect-port --debug-port --input-type --icu-data-dir"
    " --diagnostic-dir --redirect-warnings --openssl-config --dns-result-order --disable-warning"
    " --max-http-header-size --unhandled-rejections --report-dir --report-directory --report-filename"
    " --report-signal --cpu-prof-dir --cpu-prof-name --heap-prof-dir --heap-prof-name --heapsnapshot-signal"
    " --heapsnapshot-near-heap-limit --trace-event-categories --trace-event-file-pattern"
    " --trace-require-module --tls-cipher-list --tls-keylog --secure-heap --secure-heap-min"
    " --snapshot-blob --v8-pool-size --experimental-default-type --disable-proto --inspect-publish-uid",
    stops="-e --eval -p --print -pe -i --interactive",
    letters=False,
)
_JAVA = Grammar(
    valued="-cp -classpath --class-path -p --module-path --upgrade-module-path --add-modules"
    " --limit-modules --add-exports --add-opens --add-reads --patch-module --enable-native-access"
    " --source -d --describe-module",
    names="-jar -m --module",
    letters=False,
)
_PHP = Grammar(
    valued="-c -d -z -t --php-ini --define --zend-extension --docroot",
    stops="-r -B -R -E -S --run --process-begin --process-code --process-end --server",
    names="-f -F --file --process-file",
)
_RUBY = Grammar(
    valued="-I -r -C -X -E --encoding --external-encoding --internal-encoding --enable --disable --dump",
    attached="-F -K -T -W -i -x",
    stops="-e",
)
_LUA = Grammar(valued="-e -l -j", letters=False)

_GRAMMARS = {
    **dict.fromkeys(SHELLS, Grammar(valued="-o +o -O +O --rcfile --init-file --emulate", stops="-c -s --command")),
    **dict.fromkeys(("python", "pypy"), Grammar(valued="-W -X --check-hash-based-pycs", stops="-c", names="-m")),
    "perl": Grammar(valued="-I", attached="-C -D -F -M -V -i -m -x", stops="-e -E"),
    "ruby": _RUBY,
    **dict.fromkeys(("node", "nodejs"), _NODE),
    "php": _PHP,
    "java": _JAVA,
    "Rscript": Grammar(valued="-g", stops="-e", letters=False),
    "dotnet": Grammar(letters=False),
    "mono": Grammar(valued="--config", letters=False),
    **dict.fromkeys(("lua", "luajit"), _LUA),
    **dict.fromkeys(("tclsh", "wish"), Grammar(valued="-encoding", letters=False)),
}


def is_interpreter(interpreter: str) -> bool:
    """Whether programs of that name (`process_names.unversioned`) are interpreters whose options we can read."""
    return interpreter in _GRAMMARS


def script(interpreter: str, words: list[str]) -> str:
    """Return what an interpreter of that name runs, given the words behind argv[0]; empty if nothing named.

    A path as it stands there, or a module's dotted name.
    """
    grammar = _GRAMMARS.get(interpreter)
    return _program(grammar, iter(words)) if grammar else ""


def _program(grammar: Grammar, words: Iterator[str]) -> str:
    for word in words:
        if word == "--":
            return next(words, "")
        if word == "-":
            return ""
        if word[:1] not in ("-", "+"):
            return word
        program = _option(grammar, word, words)
        if program is not None:
            return program
    return ""


def _option(grammar: Grammar, word: str, words: Iterator[str]) -> str | None:
    """Read one option and its value. Return None to go on, else the program's name or empty."""
    if word in grammar.stops:
        return ""
    if word in grammar.names:
        return next(words, "")
    if word in grammar.valued:
        next(words, None)
    elif grammar.letters and word[:2] != "--":
        return _letters(grammar, word, words)
    return None


def _letters(grammar: Grammar, word: str, words: Iterator[str]) -> str | None:
    for at in range(1, len(word)):
        flag = word[0] + word[at]
        if word[at] in ":=" or flag in grammar.attached:  # perl -d:Trace, ruby -W:no-deprecated
            break
        if flag in grammar.stops:
            return ""
        if flag in grammar.names:
            return word[at + 1 :] or next(words, "")
        if flag in grammar.valued:
            if at + 1 == len(word):
                next(words, None)
            break
    return None
