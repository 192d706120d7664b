#!/usr/bin/env python3
"""Holds every #include in src/, include/ and their tests to the order of the modules.

    scripts/check_layers.py [ROOT]

Prints `file:line: what is wrong` for each fault and exits with 1 if there is one. The tables below
are the architecture (docs/ARCHITECTURE.md explains it); a row is changed by a decision, not by
need.
"""

import pathlib
import re
import sys

# module -> the modules whose headers in src/ it may include. `base` is allowed everywhere, a module
# to itself always; the rest of a row says why two parts know of each other.
MODULES = {
    "base": set(),
    "metrics": set(),
    "http": set(),
    "hub": set(),
    "net": set(),
    "websocket": {"http"},
    "auth": {"http"},
    "engine": {"metrics", "net", "hub"},
    "bridge": {"metrics", "net", "hub"},
    "door": {"http", "websocket", "hub", "auth", "metrics"},
    "api": {"http", "hub", "auth", "metrics"},
    "config": set(),
    "server": {"metrics", "http", "hub", "net", "websocket", "auth", "engine", "bridge", "door",
               "api", "config"},
    "load": set(),
    "cli": {"http", "websocket", "net", "auth", "load"},
    "bin": {"server", "cli"},
}

# module -> the contracts in include/wspush/ that it may include; `base` is allowed everywhere.
CONTRACTS = {
    "base": set(),
    "metrics": set(),
    "http": set(),
    "hub": {"hub", "config", "engine"},
    "net": {"net", "hub"},
    "websocket": set(),
    "auth": {"hub", "config", "auth"},
    "engine": {"hub", "config", "engine", "bridge"},
    "bridge": {"hub", "config", "engine", "bridge"},
    "door": {"hub", "config", "engine", "net", "auth", "door"},
    "api": {"hub", "config", "engine", "net", "auth"},
    "config": {"config"},
    "server": {"hub", "config", "engine", "net", "auth", "bridge", "door"},
    "load": set(),
    "cli": {"hub", "config", "net", "auth"},
    "bin": {"config"},
}

# Finer than modules: of these, a module takes single headers only. net sends to members without
# knowing what a topic is.
ONLY_HEADERS = {
    ("net", "wspush/hub"): {"wspush/hub/member.hpp", "wspush/hub/subscriber.hpp"},
    ("cli", "wspush/hub"): {"wspush/hub/message_id.hpp", "wspush/hub/topic_name.hpp"},
}

# A library's headers, and the modules that may include them. Whoever logs gets fmt's formatting
# through base/logging.hpp and needs no line here; metrics prints numbers with it.
LIBRARIES = {
    r"^spdlog/": {"base"},
    r"^fmt/": {"base", "metrics"},
    r"^simdjson": {"base"},
    r"^yaml-cpp/": {"config"},
    r"^openssl/": {"websocket", "auth", "net", "load"},
    r"^zlib\.h$": {"websocket", "load"},
    r"^rocksdb/": {"engine"},
    r"^(hiredis|librdkafka|rabbitmq-c|amqp)": {"engine", "bridge"},
    r"^(gtest|gmock|benchmark)/": set(),
}

# Made by the build, include path of its own.
GENERATED = {"version.hpp": {"door", "server", "cli", "bin"}}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def includes(path):
    """(line number, '<' or '"', what is included) for each #include of a file."""
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            found = INCLUDE.match(line)
            if found:
                yield number, found.group(1), found.group(2)


def fault_of_own(module, header):
    """What is wrong with `module` including our `header`; None if nothing is."""
    parts = header.split("/")
    if parts[0] == "wspush":
        area = parts[1] if len(parts) > 2 else ""
        only = ONLY_HEADERS.get((module, f"wspush/{area}"))
        if only is not None:
            return None if header in only else f"{module} may not know {header}"
        if area == "base" or area in CONTRACTS[module]:
            return None
        return f"{module} may not know the contract {header}"
    if header in GENERATED:
        return None if module in GENERATED[header] else f"{module} may not include {header}"
    if len(parts) < 2 or parts[0] not in MODULES:
        return f'"{header}": our headers are included by their path from src/ or include/'
    if parts[0] in {"base", module} or parts[0] in MODULES[module]:
        return None
    return f"{module} may not know {header}"


def fault_of_library(module, header):
    for pattern, modules in LIBRARIES.items():
        if re.search(pattern, header) and module not in modules:
            allowed = " and ".join(sorted(modules)) or "tests"
            return f"<{header}> belongs to {allowed}, not to {module}"
    return None


def check_module(root, module):
    faults = []
    for path in sorted((root / "src" / module).rglob("*.[ch]pp")):
        for number, bracket, header in includes(path):
            fault = (fault_of_own if bracket == '"' else fault_of_library)(module, header)
            if fault:
                faults.append(f"{path.relative_to(root)}:{number}: {fault}")
    return faults


def check_contracts(root):
    """Contracts include contracts and the standard library, no more."""
    faults = []
    for path in sorted((root / "include").rglob("*.hpp")):
        for number, bracket, header in includes(path):
            is_library = any(re.search(pattern, header) for pattern in LIBRARIES)
            if (bracket == '"' and not header.startswith("wspush/")) or is_library:
                faults.append(f"{path.relative_to(root)}:{number}: a contract may not know {header}")
    return faults


def check_no_cycles():
    """The table itself: whoever a module may know, that one may not know it."""
    order, open_modules, faults = [], [], []

    def visit(module):
        if module in open_modules:
            faults.append(f"MODULES: a cycle through {' -> '.join(open_modules + [module])}")
        elif module not in order:
            open_modules.append(module)
            for known in sorted(MODULES[module]):
                visit(known)
            open_modules.pop()
            order.append(module)

    for each in MODULES:
        visit(each)
    return faults


def check(root):
    root = pathlib.Path(root)
    faults = check_no_cycles() + check_contracts(root)
    for directory in sorted(path for path in (root / "src").iterdir() if path.is_dir()):
        if directory.name in MODULES:
            faults += check_module(root, directory.name)
        else:
            faults.append(f"src/{directory.name}: a module that {pathlib.Path(__file__).name} "
                          "does not list")
    return faults


def main():
    root = sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).resolve().parent.parent
    faults = check(root)
    print("\n".join(faults) if faults else "layers: no fault")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
