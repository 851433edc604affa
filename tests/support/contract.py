"""services/monitor/openapi.yaml, and questions and answers held against it."""

from __future__ import annotations

import functools
import json
import re
from typing import Protocol

import jsonschema
import yaml

from tests.support.paths import ROOT

OPENAPI = ROOT / "services" / "monitor" / "openapi.yaml"
SHAPES = {
    "date": re.compile(r"\d{4}-\d\d-\d\d"),
    "date-time": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"),
}


class Answer(Protocol):
    status: int
    headers: dict[str, str]
    body: bytes


class Contract:
    def __init__(self) -> None:
        self.document = yaml.load(OPENAPI.read_text(), Loader=yaml.CSafeLoader)
        self.checker = jsonschema.FormatChecker()
        self.validator = functools.cache(self._validator)

    def operation(self, method: str, path: str) -> dict | None:
        """Of a path as asked, without its query."""
        asked = path.split("?")[0].split("/")
        for template, operations in self.document["paths"].items():
            parts = template.split("/")
            if len(parts) == len(asked) and all(
                part == one or part.startswith("{") for part, one in zip(parts, asked, strict=True)
            ):
                found = operations.get(method.lower())
                if found is not None and (template == path.split("?")[0] or "{" in template):
                    return found
        return None

    def check(self, method: str, path: str, answer: Answer) -> None:
        operation = self.operation(method, path)
        assert operation is not None, f"{method} {path} is not described"
        response = operation["responses"].get(str(answer.status))
        assert response is not None, f"{method} {path}: {answer.status} {answer.body!r}"
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        kinds = response.get("content", {})
        if not kinds:
            assert answer.body == b""
            return
        kind = answer.headers["content-type"].split(";")[0]
        assert kind in kinds, f"{method} {path}: {kind}"
        if kind.endswith("json"):
            schema = json.dumps(kinds[kind]["schema"], sort_keys=True)
            self.validator(schema).validate(json.loads(answer.body))

    def _validator(self, schema: str) -> jsonschema.Draft202012Validator:
        whole = json.loads(schema) | {"components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole, format_checker=self.checker)

    def wrong_parameter(self, method: str, path: str, query: dict[str, str]) -> str | None:
        """The first that is not described so."""
        operation = self.operation(method, path)
        assert operation is not None, f"{method} {path} is not described"
        described = {
            one["name"]: one["schema"]
            for one in operation.get("parameters", [])
            if one["in"] == "query"
        }
        for name, text in query.items():
            schema = described.get(name)
            if schema is None:
                return name
            value = int(text) if schema.get("type") == "integer" and text.isdigit() else text
            shape = SHAPES.get(schema.get("format", ""))
            is_shaped = shape is None or shape.fullmatch(text)
            validator = self.validator(json.dumps(schema, sort_keys=True))
            if not is_shaped or not validator.is_valid(value):
                return name
        return None
