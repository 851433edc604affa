"""What deploy/ and docker-compose.yml say must be true: the compose file fits the specification and our
own rules, names in alarms and panels exist, every alarm has its page, units are hardened."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.component.deploy import compose as deployed  # noqa: E402
from tests.lint import compose_schema  # noqa: E402

README = ROOT / "deploy" / "README.md"
VARIABLES = {"KAFKA_CLUSTER_ID": "x"}
VERSION_TAG = re.compile(r"^[\w./-]+:\d+\.\d+[\w.-]*$")
SECRET_NAME = re.compile(r"pass|secret|key|token|credential", re.I)
PROMETHEUS_OWN = {"up"}
PROMQL_WORDS = {"by", "and", "or", "unless", "sum", "rate", "increase", "time", "job", "class"}
# What every unit must say, in this form.
UNIT_LINES = """NoNewPrivileges=yes CapabilityBoundingSet= ProtectSystem=strict ProtectHome=yes
PrivateTmp=yes PrivateDevices=yes RestrictSUIDSGID=yes MemoryDenyWriteExecute=yes LimitCORE=0
SystemCallFilter=@system-service User=kasumori StartLimitIntervalSec=0 Restart=on-failure""".split()


# ---- docker-compose.yml ---------------------------------------------------------------------------


def check_schema(document: dict) -> Iterator[str]:
    validator = jsonschema.Draft7Validator(compose_schema.load())
    for error in validator.iter_errors(document):
        yield f"{'.'.join(map(str, error.path))}: {error.message[:200]}"


def check_service(service: deployed.Service) -> Iterator[str]:
    settings, name = service.settings, service.name
    if not settings.get("read_only"):
        yield f"{name}: its root is not read-only"
    if settings.get("cap_drop") != ["ALL"] or "cap_add" in settings or "privileged" in settings:
        yield f"{name}: keeps capabilities"
    if "no-new-privileges:true" not in settings.get("security_opt", []):
        yield f"{name}: may gain rights"
    if service.uid == 0:
        yield f"{name}: runs as root"
    if "max-size" not in settings.get("logging", {}).get("options", {}):
        yield f"{name}: its log grows without end"
    is_once = settings.get("restart") == "no"
    if not is_once and "healthcheck" not in settings:
        yield f"{name}: no health check"
    if "image" in settings and not VERSION_TAG.match(settings["image"]):
        yield f"{name}: image {settings['image']} is not pinned to a version"
    for port in settings.get("ports", []):
        if not str(port).startswith("127.0.0.1:"):
            yield f"{name}: port {port} is open beyond loopback"
    for key, value in service.environment.items():
        if SECRET_NAME.search(key) and not value.startswith("/run/secrets/"):
            yield f"{name}: {key} looks like a secret that is no file"


def check_references(file: deployed.Compose) -> Iterator[str]:
    known = deployed.stages()
    used: set[str] = set()
    for name, settings in file.document["services"].items():
        build = settings.get("build")
        if build:
            if build["target"] not in known:
                yield f"{name}: no target {build['target']} in the Dockerfile"
            if not (ROOT / build["context"] / build["dockerfile"]).exists():
                yield f"{name}: {build['dockerfile']} is missing"
        used |= set(settings.get("secrets", []))
        for place in (volume.split(":")[0] for volume in settings.get("volumes", [])):
            is_made = place.startswith("./secrets/")
            if place.startswith(".") and not is_made and not (ROOT / place).exists():
                yield f"{name}: {place} is missing"
            if not place.startswith(".") and place not in file.document["volumes"]:
                yield f"{name}: volume {place} is not declared"
        for network in settings.get("networks", []):
            if network not in file.document["networks"]:
                yield f"{name}: network {network} is not declared"
        for other in settings.get("depends_on", {}):
            if other not in file.document["services"]:
                yield f"{name}: depends on {other}, which is not there"
    for secret in used ^ set(file.secrets):
        yield f"secret {secret}: declared and used do not agree"
    text = README.read_text()
    for secret, path in file.secrets.items():
        if not str(path).startswith("secrets/"):
            yield f"secret {secret}: {path} is outside secrets/, which git and the image ignore"
        if f"`{path.relative_to('secrets')}`" not in text:
            yield f"secret {secret}: {README.relative_to(ROOT)} does not say how {path} is made"


def check_ignored() -> Iterator[str]:
    for file, wanted in ((".gitignore", "/secrets/"), (".gitignore", "/.env"),
                         (".dockerignore", "secrets"), (".dockerignore", ".env")):  # fmt: skip
        if wanted not in (ROOT / file).read_text().split():
            yield f"{file}: {wanted} is missing"


def check_versions(file: deployed.Compose) -> Iterator[str]:
    """The images are what the tests run."""
    pom = (ROOT / "tests/support/kafka/pom.xml").read_text()
    tested = re.search(r"<kafka.version>(.+?)<", pom)[1]
    image = file.document["services"]["kafka"]["image"]
    if image != f"apache/kafka:{tested}":
        yield f"kafka: image {image}, tests run {tested}"


def check_dockerfile() -> Iterator[str]:
    known = deployed.stages()
    for stage in known.values():
        if stage.base not in known and not VERSION_TAG.match(stage.base):
            yield f"Dockerfile: {stage.base} is not pinned to a version"
        for sources, _, other in stage.copies:
            for source in sources:
                if other is None and not (ROOT / source).exists():
                    yield f"Dockerfile: COPY {source}: missing"
                if other is not None and other not in known:
                    yield f"Dockerfile: COPY --from={other}: no such stage"
        if stage.entrypoint and stage.user in (None, "root", "0"):
            yield f"Dockerfile: target {stage.name} runs as root"


def check_context() -> Iterator[str]:
    """The build stage copies every folder that the programs' build names."""
    copied = [source for sources, _, other in deployed.stages()["build"].copies
              if other is None for source in sources]  # fmt: skip
    lists = [ROOT / "CMakeLists.txt", ROOT / "CMakePresets.json", *(ROOT / "cmake").iterdir()]
    for folder in ("proto", "services"):
        lists += (ROOT / folder).rglob("CMakeLists.txt")
    for path in lists:
        named = re.findall(r"\$\{(?:CMAKE|PROJECT)_SOURCE_DIR\}/([\w./-]+)", path.read_text())
        for place in {str(path.relative_to(ROOT)), *named}:
            is_copied = any(place == c or place.startswith(c + "/") for c in copied)
            if not is_copied and not place.startswith("tests"):
                yield f"Dockerfile: the build stage does not copy {place}"


def check_compose() -> Iterator[str]:
    file = deployed.load(VARIABLES)
    yield from check_schema(file.document)
    for service in file.services.values():
        yield from check_service(service)
    yield from check_references(file)
    yield from check_versions(file)


# ---- alarms and panels ----------------------------------------------------------------------------


def metric_names() -> dict[str, set[str]]:
    """Every metric of the programs' tables, with its labels. aggregator_metrics.c builds its names
    with macros, the others spell them out."""
    found: dict[str, set[str]] = {}
    for path in (ROOT / "services").rglob("*.c"):
        text = path.read_text()
        if "struct metric_desc" not in text:
            continue
        for name in re.findall(r'"(kasumori_[a-z_]*[a-z])"', text):
            found.setdefault(name, set())
        prefix = re.search(r'"(kasumori_[a-z]+_)" name', text)
        for kind, name in re.findall(r'\b(COUNTER|GAUGE)\("([a-z_]+)"', text):
            if prefix and not name.startswith("kasumori_"):
                found[prefix[1] + name + ("_total" if kind == "COUNTER" else "")] = set()
        if re.search(r"^#define BAD\(class\)", text, re.M):
            found["kasumori_aggregator_bad_total"] = {"class"}
    return found


def check_expression(where: str, expression: str, known: dict[str, set[str]]) -> Iterator[str]:
    without_texts = re.sub(r'"[^"]*"', "", expression)
    for name in re.findall(r"(?<![\d.\[])\b[a-z_][a-z_0-9]*\b", without_texts):
        if name not in known and name not in PROMETHEUS_OWN | PROMQL_WORDS:
            yield f"{where}: no program has the metric {name}"
    for name, labels in re.findall(r"([a-z_]+)\{([^}]*)\}", expression):
        for label in re.findall(r"(\w+)\s*[=!]", labels):
            if name in known and label not in known[name]:
                yield f"{where}: {name} has no label {label}"


def check_prometheus(known: dict[str, set[str]]) -> Iterator[str]:
    folder = ROOT / "deploy/prometheus"
    rules = [
        rule
        for group in yaml.safe_load((folder / "alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    ]
    names = [rule["alert"] for rule in rules]
    for rule in rules:
        yield from check_expression(rule["alert"], rule["expr"], known)
        if rule["labels"]["severity"] not in ("page", "ticket"):
            yield f"{rule['alert']}: severity is neither page nor ticket"
        if not rule["annotations"]["summary"]:
            yield f"{rule['alert']}: no summary"
    pages = re.findall(r"^## (\w+)$", (ROOT / "docs/operations.md").read_text(), re.M)
    for name in sorted(set(names) ^ set(pages)):
        yield f"{name}: alarms and headings of docs/operations.md do not agree"
    if len(set(names)) != len(names) or len(set(pages)) != len(pages):
        yield "an alarm or its heading is there twice"
    scrape = yaml.safe_load((folder / "prometheus.yml").read_text())
    for file in scrape["rule_files"]:
        if not (folder / file).exists():
            yield f"prometheus.yml: {file} is missing"
    for job in scrape["scrape_configs"]:
        if not job["job_name"].startswith("kasumori-"):
            yield f"prometheus.yml: KasumoriDown does not see the job {job['job_name']}"


def check_grafana(known: dict[str, set[str]]) -> Iterator[str]:
    for path in sorted((ROOT / "deploy/grafana").glob("*.json")):
        panels = json.loads(path.read_text())["panels"]
        if len({panel["id"] for panel in panels}) != len(panels):
            yield f"{path.name}: two panels with one id"
        for panel in panels:
            for target in panel["targets"]:
                yield from check_expression(panel["title"], target["expr"], known)


# ---- units ----------------------------------------------------------------------------------------


def check_units() -> Iterator[str]:
    for name in ("agent", "aggregator", "monitor"):
        path = ROOT / f"deploy/systemd/kasumori-{name}.service"
        lines = path.read_text().splitlines()
        command = f"/usr/bin/kasumori-{name} --config /etc/kasumori/{name}.yaml"
        for wanted in (*UNIT_LINES, f"ExecStart={command}", f"ExecStartPre={command} --check"):
            if wanted not in lines:
                yield f"{path.name}: {wanted} is missing"


def check_commands() -> Iterator[str]:
    """Commands that the texts for operators name exist."""
    source = "".join(path.read_text() for path in (ROOT / "services/cli").glob("*.c"))
    groups = set(re.findall(r'\.group = "([a-z]+)"', source))
    verbs = set(re.findall(r'\.verb = "([a-z-]+)"', source))
    options = set(
        re.findall(r'\{"([a-z-]+)", ', source + (ROOT / "services/cli/cli_kafka.h").read_text())
    )
    for path in (README, ROOT / "docs/operations.md", ROOT / "deploy/kafka/README.md"):
        for line in path.read_text().splitlines():
            for words in re.findall(r"(?:kasumori|operator) ([a-z][^`|#]*)", line):
                first, *rest = words.split()
                if first not in groups:
                    continue
                if rest and re.fullmatch(r"[a-z][a-z-]{2,}", rest[0]) and rest[0] not in verbs:
                    yield f"{path.name}: no command kasumori {first} {rest[0]}"
                for word in rest:
                    option = re.fullmatch(r"--([a-z-]+)", word)
                    if option and option[1] not in options | {"database", "help"}:
                        yield f"{path.name}: kasumori {first} has no option {word}"


def main() -> int:
    known = metric_names()
    problems = [
        *check_compose(),
        *check_dockerfile(),
        *check_context(),
        *check_ignored(),
        *check_prometheus(known),
        *check_grafana(known),
        *check_units(),
        *check_commands(),
    ]
    print("\n".join(problems) or f"deploy: holds, {len(known)} metrics known")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
