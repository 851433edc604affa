"""What deploy/ says beside docker-compose.yml: the images' packages, the example configurations, the
systemd units, held against the programs and this Debian."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.component.deploy import compose
from tests.support.paths import ROOT, binaries

PROGRAMS = ["kasumori", "kasumori-agent", "kasumori-aggregator", "kasumori-monitor"]
BASE_PACKAGES = {"libc6"}  # of every Debian
OF_THE_COMPILER = re.compile(r"^(libasan|libubsan|libtsan|libgcc_s|libgcov)\b")
HEX = "0123456789abcdef" * 4


def output(*argv: str | Path) -> str:
    return subprocess.run(list(map(str, argv)), capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def same_debian() -> None:
    """Package names are those of the Dockerfile's Debian."""
    wanted = re.search(r"^ARG DEBIAN=debian:(\d+)", compose.DOCKERFILE.read_text(), re.M)[1]
    found = re.search(r'^VERSION_ID="?(\d+)', Path("/etc/os-release").read_text(), re.M)[1]
    if found != wanted:
        pytest.skip(f"NOT CHECKED: the images are Debian {wanted}, this is {found}")


def package_of(path: str) -> str:
    """The Debian package of a file, whether /lib is /usr/lib or not."""
    real = str(Path(path).resolve())
    for name in (real, real.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.partition(":")[0]
    raise AssertionError(f"{path} is of no package")


# ---- images ---------------------------------------------------------------------------------------


def test_the_images_packages_exist(same_debian: None) -> None:
    known = set(output("apt-cache", "pkgnames").split())
    if "cmake" not in known or not list(Path("/var/lib/apt/lists").glob("*_Packages*")):
        pytest.skip("NOT CHECKED: no package lists here")
    stages = compose.stages()
    for name in ("build", "runtime"):
        wanted = compose.packages(stages[name])
        assert wanted and wanted <= known, (name, wanted - known)


def test_the_runtime_image_has_what_the_programs_link_and_no_more(same_debian: None) -> None:
    needed = set()
    for program in PROGRAMS:
        listing = output("objdump", "-p", binaries() / program)
        direct = re.findall(r"NEEDED\s+(\S+)", listing)
        places = dict(re.findall(r"(\S+) => (\S+)", output("ldd", binaries() / program)))
        for name in direct:
            if not OF_THE_COMPILER.match(name) and name in places:
                needed.add(package_of(places[name]))
    installed = compose.packages(compose.stages()["runtime"])
    assert needed - BASE_PACKAGES == installed


def test_the_build_image_has_what_the_build_asks_for(same_debian: None) -> None:
    lists = [*(ROOT / "services").rglob("CMakeLists.txt"), ROOT / "proto" / "CMakeLists.txt"]
    text = "\n".join(re.sub(r"#.*", "", path.read_text()) for path in lists)
    modules = {
        name for found in re.findall(r"\bPKGS\s+([^)]*?)\s*(?:DEPS|SOURCES|\))", text)
        for name in found.split()
    }  # fmt: skip
    modules |= set(re.findall(r"pkg_check_modules\(\S+ REQUIRED[A-Z_ ]* (\S+)\)", text))
    assert "rdkafka" in modules and "libprotobuf-c" in modules
    installed = compose.packages(compose.stages()["build"])
    for module in sorted(modules - {"${pkg}"}):
        folder = output("pkg-config", "--variable=pcfiledir", module).strip()
        assert package_of(f"{folder}/{module}.pc") in installed, module
    tools = ["protoc-c", "cmake", "ninja"]
    for tool in tools:
        place = shutil.which(tool, path="/usr/bin:/bin")
        assert place and package_of(place) in installed, tool


def test_every_target_starts_its_own_program() -> None:
    stages = compose.stages()
    for name in ("agent", "aggregator", "monitor"):
        stage = stages[name]
        assert stage.entrypoint == [f"/usr/local/bin/kasumori-{name}"]
        assert stage.command == ["--config", f"/etc/kasumori/{name}.yaml"]
        copied = [Path(source).name for sources, _, other in stage.copies if other
                  for source in sources]  # fmt: skip
        assert copied == ["kasumori", f"kasumori-{name}"]  # the first one for health checks


# ---- configurations -------------------------------------------------------------------------------


@pytest.fixture
def etc(tmp_path: Path) -> Path:
    """What stands for /etc/kasumori, with every secret the examples name."""
    folder = tmp_path / "kasumori"
    folder.mkdir()
    bundle = "\n".join(
        [
            "tenant: acme", "site: s001", "agent: s001-a", "mac_key_id: 1", f"mac_key: {HEX}",
            f"vault_public_key: {HEX}", "token_keys:", "  - kind: phone", "    key_id: 1",
            f"    key: {HEX}", "kafka:", "  brokers: 127.0.0.1:9092", "",
        ]
    )  # fmt: skip
    for name, text in (("agent.bundle.yaml", bundle), ("mac-master.key", HEX + "\n")):
        path = folder / name
        path.touch(mode=0o600)
        path.write_text(text)
    (folder / "roster.txt").write_text("佐藤花子\n")
    return folder


def check(etc: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    config = etc / f"{name}.yaml"
    config.write_text(text.replace("/etc/kasumori", str(etc)))
    return subprocess.run(
        [binaries() / f"kasumori-{name}", "--config", config, "--check"],
        capture_output=True, text=True, timeout=30,
    )  # fmt: skip


def example(name: str) -> str:
    return (ROOT / f"deploy/config/{name}.yaml").read_text()


@pytest.mark.parametrize("name", ["agent", "aggregator", "monitor"])
def test_an_example_configuration_is_accepted(etc: Path, name: str) -> None:
    done = check(etc, name, example(name))
    assert done.returncode == 0, done.stderr
    assert ": ok" in done.stdout


def test_so_are_the_lines_in_comments(etc: Path) -> None:
    text = re.sub(r"^# (?=\w+:|  )", "", example("agent"), flags=re.M)
    assert "\nroster_file:" in text and "\nasterisk:" in text
    done = check(etc, "agent", text)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["agent", "aggregator", "monitor"])
def test_a_misspelt_key_is_not(etc: Path, name: str) -> None:
    done = check(etc, name, example(name).replace("log_level:", "log_levell:"))
    assert done.returncode == 1
    assert "log_levell" in done.stderr


def test_a_secret_others_can_read_is_not(etc: Path) -> None:
    for name, file in (("agent", "agent.bundle.yaml"), ("aggregator", "mac-master.key")):
        (etc / file).chmod(0o640)
        done = check(etc, name, example(name))
        assert done.returncode == 1
        assert "can be read by others" in done.stderr


# ---- units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["agent", "aggregator", "monitor"])
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("NOT CHECKED: no systemd-analyze here; tests/lint holds the unit's structure")
    unit = tmp_path / f"kasumori-{name}.service"
    text = (ROOT / "deploy/systemd" / unit.name).read_text()
    unit.write_text(text.replace("/usr/bin/", f"{binaries()}/"))
    done = subprocess.run([verify, "verify", unit], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
