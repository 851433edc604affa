"""Holds every #include of services/ against LAYERS.

Fails on a forbidden include, a cycle, an unlisted folder and an unused permission.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')
THIRD_PARTY = {
    "yaml": "yaml.h",
    "jansson": "jansson.h",
    "event2": "event2/",
    "openssl": "openssl/",
    "sodium": "sodium.h",
    "protobuf-c": "protobuf-c/",
    "sqlite3": "sqlite3.h",
    "xxhash": "xxhash.h",
    "librdkafka": "librdkafka/",
    "libpq-fe": "libpq-fe.h",
    "uthash": "uthash.h",
    "curl": "curl/",
}
LIBC = set(
    "assert ctype dirent errno fcntl getopt inttypes limits math netdb poll pthread setjmp signal "
    "stdalign stdarg stdatomic stdbool stddef stdint stdio stdlib string strings sysexits time unistd "
    "arpa/inet endian netinet/in netinet/tcp sys/eventfd sys/file sys/mman sys/prctl sys/random termios "
    "sys/resource sys/socket sys/stat sys/statvfs sys/time sys/types sys/uio sys/un sys/wait".split()
)


def folder_name(path: str) -> str:
    """services/common/base -> base, services/aggregator/ingest -> ingest."""
    return path.rsplit("/", 1)[-1]


def read_layers() -> dict[str, tuple[set[str], set[str]]]:
    layers = {}
    for number, line in enumerate((ROOT / "LAYERS").read_text().splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = re.fullmatch(r"(\S+)\s*:([^|]*)\|(.*)", line)
        if not match:
            sys.exit(f"LAYERS:{number}: want 'folder : local … | third party …'")
        layers[match[1]] = (set(match[2].split()), set(match[3].split()))
    return layers


def classify(kind: str, target: str) -> tuple[str, str] | None:
    """('local'|'third', name), None for the C library, ('bad', target) for anything else."""
    if kind == '"':
        if target.startswith("kasumori/v1/"):
            return "local", "proto"
        if target.startswith("services/"):
            return "local", folder_name(target.rsplit("/", 1)[0])
        return "bad", target
    for name, prefix in THIRD_PARTY.items():
        if target.startswith(prefix):
            return "third", name
    return None if target.removesuffix(".h") in LIBC else ("bad", target)


def find_cycle(graph: dict[str, set[str]]) -> list[str] | None:
    done: set[str] = set()

    def walk(node: str, trail: list[str]) -> list[str] | None:
        if node in trail:
            return trail[trail.index(node) :] + [node]
        if node in done:
            return None
        for after in sorted(graph.get(node, ())):
            cycle = walk(after, [*trail, node])
            if cycle:
                return cycle
        done.add(node)
        return None

    for start in sorted(graph):
        cycle = walk(start, [])
        if cycle:
            return cycle
    return None


def main() -> int:
    layers = read_layers()
    problems = []
    used: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in layers}
    for path in sorted((ROOT / "services").rglob("*.[ch]")):
        folder = str(path.parent.relative_to(ROOT))
        if folder not in layers:
            problems.append(f"{folder}: not listed in LAYERS")
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            found = classify(match[1], match[2]) if match else None
            if found is None or found == ("local", folder_name(folder)):
                continue
            kind, name = found
            where = f"{path.relative_to(ROOT)}:{number}"
            if kind == "bad":
                problems.append(f"{where}: {name} is no known header")
                continue
            index = 0 if kind == "local" else 1
            used[folder][index].add(name)
            if name not in layers[folder][index]:
                problems.append(f"{where}: {folder} may not include {name}")
    for folder, (local, third) in layers.items():
        for name in sorted(local - used[folder][0]) + sorted(third - used[folder][1]):
            problems.append(f"LAYERS: {folder}: permission {name} is not used")
    cycle = find_cycle({folder_name(f): local for f, (local, _) in used.items()})
    if cycle:
        problems.append("cycle: " + " -> ".join(cycle))
    print("\n".join(problems) or f"layers: {len(layers)} folders hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
