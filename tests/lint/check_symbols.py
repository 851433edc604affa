"""Every symbol a file exports starts with its folder's name or the file's (of segment_make.c also
segment), as nm sees it."""

import re
import subprocess
import sys
from pathlib import Path


def main(build: Path) -> int:
    problems, count = [], 0
    for object_path in sorted((build / "services").rglob("*.c.o")):
        source = object_path.name.removesuffix(".c.o")
        parts = object_path.parts
        folder = parts[parts.index("CMakeFiles") - 1]
        names = {source, source.split("_")[0], folder}
        if source == "main":
            names.add("main")
        listing = subprocess.run(
            ["nm", "-g", "--defined-only", str(object_path)],
            capture_output=True,
            text=True,
            check=True,
        )
        for line in listing.stdout.splitlines():
            symbol = line.split()[-1]
            count += 1
            if symbol.startswith(("__", "_")):  # of sanitizers and coverage
                continue
            if symbol != "main" and not any(
                re.match(rf"{name}(_|$)", symbol, re.I) for name in names
            ):
                problems.append(f"{folder}/{source}.c exports {symbol}")
    if count == 0:
        problems.append(f"no objects under {build}")
    print("\n".join(problems) or f"symbols: {count} hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
