#!/usr/bin/env python3
"""Looks for what a reviewer should not have to look for.

    scripts/check_repo.py [ROOT]

Prints one line for each fault and exits with 1 if there is one. Every rule is a function below; the
licence of all files is the LICENSE at the root, so files carry no line about it.
"""

import os
import pathlib
import re
import subprocess
import sys

FILE_BYTES_MAX = 1 << 20
CORPUS = "tests/fuzz/corpus/"
CORPUS_FILE_BYTES_MAX = 64 << 10
CORPORA_BYTES_MAX = 1 << 20
SOURCE_LINES_MAX = 600
NOT_OURS = {"build", "node_modules", ".git", "__pycache__", ".pytest_cache"}
BINARY = {".png", ".jpg", ".ico", ".gz", ".bin", ".pem", ".der"}


class Tree:
    """The files of a project by their path from its root, and their text."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(self._find())
        self._texts = {}

    def _find(self):
        try:
            listed = subprocess.run(
                ["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
                 "--exclude-standard"], capture_output=True, check=True).stdout
            paths = [path for path in listed.decode().split("\0") if path]
        except (OSError, subprocess.CalledProcessError):  # an unpacked archive
            paths = []
            for directory, directories, files in os.walk(self.root):
                directories[:] = [each for each in directories if each not in NOT_OURS]
                paths += [os.path.relpath(os.path.join(directory, file), self.root)
                          for file in files]
        return [path for path in paths if (self.root / path).is_file()]

    def under(self, directory, *endings):
        return [path for path in self.paths
                if path.startswith(directory) and path.endswith(endings)]

    def has(self, path):
        return (self.root / path).exists()

    def text(self, path):
        if path not in self._texts:
            self._texts[path] = (self.root / path).read_bytes().decode()  # line ends as they are
        return self._texts[path]

    def text_if_there(self, path):
        return self.text(path) if self.has(path) else ""


def sizes(tree):
    for path in tree.paths:
        size = (tree.root / path).stat().st_size
        if size > FILE_BYTES_MAX:
            yield f"{path}: {size} bytes; at most {FILE_BYTES_MAX}"


def blanks(tree):
    """No tab, no blank at the end of a line, one line end at the end of the file."""
    for path in tree.paths:
        if pathlib.PurePath(path).suffix in BINARY or path.startswith(CORPUS):
            continue
        try:
            text = tree.text(path)
        except UnicodeDecodeError:
            yield f"{path}: not UTF-8"
            continue
        for number, line in enumerate(text.split("\n"), 1):
            if "\t" in line:
                yield f"{path}:{number}: a tab"
            if line != line.rstrip():
                yield f"{path}:{number}: a blank at the end of the line"
        if text and not text.endswith("\n"):
            yield f"{path}: no line end at its end"
        if text.endswith("\n\n") and path != "LICENSE":
            yield f"{path}: an empty line at its end"


def long_sources(tree):
    for path in tree.under("src/", ".cpp", ".hpp") + tree.under("include/", ".hpp"):
        lines = tree.text(path).count("\n")
        if lines > SOURCE_LINES_MAX:
            yield (f"{path}: {lines} lines, at most {SOURCE_LINES_MAX}: which is its second "
                   "responsibility?")


def unreferenced_sources(tree):
    """Each C++ file is named in the nearest CMakeLists.txt above it; so is each pytest file."""
    sources = [path for top in ("src/", "include/", "tests/unit/", "tests/fuzz/", "bench/")
               for path in tree.under(top, ".cpp", ".hpp")]
    for path in sources + tree.under("tests/integration/", "_test.py"):
        pure = pathlib.PurePath(path)
        if pure.suffix == ".hpp" and not path.startswith(("src/", "include/")):
            continue  # a header of tests needs no list: it is included or it is not
        if path.startswith("include/"):
            lists = tree.under("src/", "CMakeLists.txt")
            name = "/".join(pure.parts[2:])
        else:
            above = next((str(parent / "CMakeLists.txt") for parent in pure.parents
                          if tree.has(parent / "CMakeLists.txt")), None)
            # A test of one module's file may be built into another's binary.
            lists = tree.under("tests/unit/", "CMakeLists.txt") if path.startswith("tests/unit/") \
                else [above]
            name = pure.name
        if not any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w.])", tree.text(each))
                   for each in lists if each):
            yield f"{path}: no CMakeLists.txt names it"


def shadowed_modules(tree):
    """Who imports a module of tests/support from elsewhere in tests/ gets that one: no module
    beside the importer has its name, and the order of sys.path never matters."""
    support = "tests/support/"
    shared = {pathlib.PurePath(path).name for path in tree.under(support, ".py")} - {"conftest.py"}
    for path in tree.under("tests/", ".py"):
        if not path.startswith(support) and pathlib.PurePath(path).name in shared:
            yield f"{path}: has the name of a module in {support}"


def fuzz_corpora(tree):
    """Each fuzz target has inputs that ctest replays, and all of them together stay small."""
    suffix = "_fuzz.cpp"
    targets = {pathlib.PurePath(path).name.removesuffix(suffix)
               for path in tree.under("tests/fuzz/", suffix)}
    inputs = tree.under(CORPUS, "")
    corpora = {path.removeprefix(CORPUS).split("/")[0] for path in inputs}
    for target in sorted(targets - corpora):
        yield f"{CORPUS}{target}: no input for the target"
    for corpus in sorted(corpora - targets):
        yield f"{CORPUS}{corpus}: inputs of no target"
    total = 0
    for path in inputs:
        size = (tree.root / path).stat().st_size
        total += size
        if size > CORPUS_FILE_BYTES_MAX:
            yield f"{path}: {size} bytes; at most {CORPUS_FILE_BYTES_MAX}"
    if total > CORPORA_BYTES_MAX:
        yield f"{CORPUS}: {total} bytes in all; at most {CORPORA_BYTES_MAX}"


def heading_anchors(text):
    """The anchors that a Markdown file has, as its readers' web sites make them."""
    anchors = set()
    for line in re.sub(r"```.*?```", "", text, flags=re.DOTALL).split("\n"):
        heading = re.match(r"#{1,6} +(.*)", line)
        if heading:
            words = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1",
                                                    heading.group(1)).lower())
            anchors.add(words.strip().replace(" ", "-"))
    return anchors


def links(tree):
    """Relative links in Markdown lead to a file that is there, and to a heading in it."""
    for path in tree.under("", ".md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", tree.text(path), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            there = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
            if not tree.has(there):
                yield f"{path}: the link {target} leads nowhere"
            elif anchor and there.endswith(".md") and \
                    anchor not in heading_anchors(tree.text(there)):
                yield f"{path}: the link {target} leads to no heading"


def named_files(tree):
    """Paths of ours that a Markdown file names in backticks are there."""
    known = ("src/", "include/", "tests/", "scripts/", "docs/", "conf/", "bench/", "cmake/",
             "systemd/", "web/")
    for path in tree.under("", ".md"):
        for name in re.findall(r"`([\w./-]+)`", tree.text(path)):
            if name.startswith(known) and not tree.has(name):
                yield f"{path}: `{name}` is not there"


def config_keys(tree):
    """Each key stands in docs/configuration.md and, by its last name, in conf/wspushd.yaml."""
    table = tree.text_if_there("src/config/config_keys.cpp")
    reference = tree.text_if_there("docs/configuration.md")
    manual = tree.text_if_there("conf/wspushd.yaml")
    for kind, key in re.findall(r'^ {4}(?!choice_of)(\w+)\("([a-z_.\[\]]+)"', table,
                                re.MULTILINE):
        last = key.split(".")[-1].replace("[]", "")
        if kind != "section" and f"`{key}`" not in reference:
            yield f"docs/configuration.md: the key {key} is missing"
        if not re.search(rf"\b{last}:", manual):
            yield f"conf/wspushd.yaml: the key {key} is missing"


def metrics(tree):
    """Each metric, and each value of a label that we name, stands in docs/operations.md."""
    page = tree.text_if_there("docs/operations.md")
    catalog = tree.text_if_there("src/metrics/metric_catalog.cpp")
    for name in re.findall(r'"((?:wspushd|process)_[a-z_]+)"', catalog):
        if f"`{name}`" not in page:
            yield f"docs/operations.md: the metric {name} is missing"
    for name in re.findall(r'return "([a-z_.0-9]+)";',
                           tree.text_if_there("src/metrics/labels.cpp")):
        if f"`{name}`" not in page:
            yield f"docs/operations.md: the label value {name} is missing"


def error_codes(tree):
    """Each error code and close code that the sources send stands in docs/protocol.md."""
    page = tree.text_if_there("docs/protocol.md")
    codes = set()
    for path in tree.under("src/", ".cpp", ".hpp"):
        text = tree.text(path)
        codes.update(re.findall(r'\b[45]\d\d,\s*"([a-z_]+)"', text))
        codes.update(re.findall(r'\.code = "([a-z_]+)"', text))
        codes.update(re.findall(r'case CommandError::\w+:\s*return "([a-z_]+)"', text))
    for code in sorted(codes):
        if f"`{code}`" not in page:
            yield f"docs/protocol.md: the error code {code} is missing"
    close_codes = tree.text_if_there("src/websocket/close_code.hpp")
    for code in re.findall(r"\bk\w+ = (\d{4}),", close_codes):
        if code not in page:
            yield f"docs/protocol.md: the close code {code} is missing"


RULES = (sizes, blanks, long_sources, unreferenced_sources, shadowed_modules, fuzz_corpora, links,
         named_files, config_keys, metrics, error_codes)


def check(root):
    tree = Tree(root)
    return [fault for rule in RULES for fault in rule(tree)]


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    faults = check(root)
    print("\n".join(faults) if faults else "repository: no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
