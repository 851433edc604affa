"""docker-compose.yml and the Dockerfile as data: what each service would run, with which files, as
whom. Nothing here starts anything."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from tests.support.paths import ROOT

COMPOSE = ROOT / "docker-compose.yml"
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"

# Users that the images of others name in their own Dockerfiles.
IMAGE_USERS = {"apache/kafka": 1000}
VARIABLE = re.compile(r"\$\{(\w+)(?::?[-?]([^}]*))?\}")


def interpolate(value: object, variables: dict[str, str]) -> object:
    """${NAME} and ${NAME:?why}; KeyError for one that is not given."""
    if isinstance(value, str):
        return VARIABLE.sub(lambda found: variables[found[1]], value)
    if isinstance(value, list):
        return [interpolate(item, variables) for item in value]
    if isinstance(value, dict):
        return {key: interpolate(item, variables) for key, item in value.items()}
    return value


# ---- Dockerfile -----------------------------------------------------------------------------------


@dataclass
class Stage:
    name: str
    base: str
    copies: list[tuple[list[str], str, str | None]]  # sources, target, other stage
    runs: list[str] = field(default_factory=list)
    user: str | None = None
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def instructions(path: Path = DOCKERFILE) -> list[tuple[str, str]]:
    text = re.sub(r"^\s*#.*\n", "", path.read_text(), flags=re.M)
    joined = re.sub(r"\\\n\s*", " ", text)
    return [tuple(line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def stages() -> dict[str, Stage]:
    """By name; a stage that builds on another has what that one has."""
    found: dict[str, Stage] = {}
    arguments: dict[str, str] = {}
    stage = None
    for word, rest in instructions():
        if word == "ARG":
            name, _, value = rest.partition("=")
            arguments[name] = value
        elif word == "FROM":
            base, _, name = interpolate(rest, arguments).partition(" AS ")
            parent = found.get(base)
            stage = found[name] = (
                Stage(name, base, list(parent.copies), list(parent.runs), parent.user)
                if parent
                else Stage(name, base, [])
            )
        elif word == "COPY":
            words = shlex.split(rest)
            other = next(
                (w.removeprefix("--from=") for w in words if w.startswith("--from=")), None
            )
            words = [w for w in words if not w.startswith("--")]
            stage.copies.append((words[:-1], words[-1], other))
        elif word == "RUN":
            stage.runs.append(rest)
        elif word == "USER":
            stage.user = rest
        elif word == "ENTRYPOINT":
            stage.entrypoint = yaml.safe_load(rest)
        elif word == "CMD":
            stage.command = yaml.safe_load(rest)
    return found


def packages(stage: Stage) -> set[str]:
    """What its apt-get installs."""
    names: set[str] = set()
    for run in stage.runs:
        for command in run.split("&&"):
            words = command.split()
            if words[:2] == ["apt-get", "install"]:
                names |= {word for word in words[2:] if not word.startswith("-")}
    return names


# ---- docker-compose.yml ---------------------------------------------------------------------------


@dataclass
class Service:
    name: str
    settings: dict
    stage: Stage | None  # None: an image of others, or a target that is not there

    @property
    def argv(self) -> list[str]:
        own = self.stage or Stage("", "", [])
        entrypoint = self.settings.get("entrypoint", own.entrypoint)
        return [*entrypoint, *self.settings.get("command", own.command)]

    @property
    def environment(self) -> dict[str, str]:
        return {key: str(value) for key, value in self.settings.get("environment", {}).items()}

    @property
    def binds(self) -> dict[str, Path]:
        """Container path to the file or folder of the tree that is mounted there."""
        found = {}
        for volume in self.settings.get("volumes", []):
            source, target = volume.split(":")[:2]
            if source.startswith("."):
                found[target] = Path(source)
        return found

    @property
    def volumes(self) -> list[str]:
        """Container paths that hold a volume of the engine."""
        pairs = [volume.split(":")[:2] for volume in self.settings.get("volumes", [])]
        return [target for source, target in pairs if not source.startswith(".")]

    @property
    def uid(self) -> int:
        user = self.settings.get("user") or (self.stage.user if self.stage else None)
        if user is not None:
            return int(user.split(":")[0])
        return IMAGE_USERS.get(self.settings.get("image", "").partition(":")[0], 0)

    @property
    def health(self) -> list[str]:
        kind, *argv = self.settings["healthcheck"]["test"]
        assert kind == "CMD"
        return argv

    @property
    def stop_s(self) -> float:
        return float(self.settings["stop_grace_period"].removesuffix("s"))


@dataclass
class Compose:
    services: dict[str, Service]
    secrets: dict[str, Path]
    document: dict


def load(variables: dict[str, str]) -> Compose:
    document = interpolate(yaml.safe_load(COMPOSE.read_text()), variables)
    known = stages()
    services = {}
    for name, settings in document["services"].items():
        stage = known.get(settings.get("build", {}).get("target"))
        services[name] = Service(name, settings, stage)
    secrets = {name: Path(value["file"]) for name, value in document["secrets"].items()}
    return Compose(services, secrets, document)
