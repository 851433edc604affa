"""Sizes, banned functions and notes to self, over all C of the tree; formatted by clang-format."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LINES_MAX = {".c": 600, ".h": 200}
FUNCTION_LINES_MAX = 70
PARAMETERS_MAX = 5  # results (ret_…) and err not counted
NESTING_MAX = 4
BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|sprintf|vsprintf|strncpy|strtok|atoi|atol|sscanf|gmtime|localtime|"
    r"strerror|system|alloca|signal|usleep|sleep)\s*\("
)
HEAP = re.compile(r"(?<![\w.>])(malloc|calloc|realloc|free|strdup)\s*\(")
NOTE = re.compile(r"\b(TODO|FIXME|XXX)\b")
STRIP = re.compile(r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'|/\*.*?\*/|//[^\n]*', re.S)


def blank(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def parameters(head: str) -> int:
    inside = head[head.index("(") + 1 : head.rindex(")")]
    depth, parts, part = 0, [], ""
    for char in inside:
        depth += (char == "(") - (char == ")")
        if char == "," and depth == 0:
            parts.append(part)
            part = ""
        else:
            part += char
    parts.append(part)
    return sum(
        1 for p in parts if not re.search(r"\bret_\w+(\[\w*\])?$|\berr$|^\s*void\s*$", p.strip())
    )


def check_functions(where: str, lines: list[str]) -> list[str]:
    """Functions are found by the brace style: { and } alone in column 0."""
    problems, start = [], None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start, depth = number, 0
            first = number - 1
            while first > 0 and lines[first - 1] and lines[first - 1][0] not in "}#;":
                first -= 1
            head = " ".join(lines[first : number - 1])
            if "(" not in head:
                continue
            if parameters(head) > PARAMETERS_MAX:
                problems.append(f"{where}:{number}: function has over {PARAMETERS_MAX} inputs")
        elif start and line.startswith("}"):
            if number - start - 1 > FUNCTION_LINES_MAX:
                problems.append(f"{where}:{start}: function of {number - start - 1} lines")
            start = None
        elif start:
            depth += line.count("{") - line.count("}")
            if depth > NESTING_MAX:
                problems.append(f"{where}:{number}: nested deeper than {NESTING_MAX}")
    return problems


def check(path: Path) -> list[str]:
    where = str(path.relative_to(ROOT))
    text = path.read_text()
    code = STRIP.sub(blank, text)
    problems = []
    if where.startswith("services/") and text.count("\n") > LINES_MAX[path.suffix]:
        problems.append(f"{where}: {text.count(chr(10))} lines")
    for number, (line, raw) in enumerate(
        zip(code.splitlines(), text.splitlines(), strict=False), 1
    ):
        if NOTE.search(raw):
            problems.append(f"{where}:{number}: note to self")
        if not where.startswith("services/"):
            continue
        if BANNED.search(line):
            problems.append(f"{where}:{number}: banned: {BANNED.search(line)[1]}")
        if HEAP.search(line) and not where.startswith("services/common/base/"):
            problems.append(f"{where}:{number}: {HEAP.search(line)[1]}: use base/mem.h")
    if path.suffix == ".c" and where.startswith("services/"):
        problems += check_functions(where, code.splitlines())
    return problems


def clang_format() -> str:
    """Version 14, from the tests' virtual environment or from Debian."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    found = shutil.which(cache / "kasumori/venv/bin/clang-format") or shutil.which(
        "clang-format-14"
    )
    return found or sys.exit("clang-format 14 is missing: run tests/support/bootstrap.sh test")


def main() -> int:
    paths = sorted([*(ROOT / "services").rglob("*.[ch]"), *(ROOT / "tests").rglob("*.[ch]")])
    problems = [problem for path in paths for problem in check(path)]
    formatted = subprocess.run(
        [clang_format(), "--dry-run", "-Werror", *map(str, paths)],
        capture_output=True,
        text=True,
        check=False,
    )
    if formatted.returncode:
        problems += [
            line.replace(f"{ROOT}/", "")
            for line in formatted.stderr.splitlines()
            if "error:" in line
        ]
    print("\n".join(problems) or f"code: {len(paths)} files hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
