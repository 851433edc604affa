"""The agent's OpenAPI file, made from the proto; --write renews it, a difference fails.

The schemas are the proto's messages as the agent's JSON intake reads them (intake_json.h).
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from google.protobuf import descriptor_pb2

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / "docs" / "agent-openapi.yaml"
NAMED = "tenant site concerned_site source scheme version code".split()
Field = descriptor_pb2.FieldDescriptorProto
SET_BY_AGENT = {
    ("Record", "schema_major"),
    ("Record", "schema_minor"),
    ("Record", "clock_state"),
    ("Identifier", "tokens"),
    ("Identifier", "sealed"),
}


def load() -> list[descriptor_pb2.FileDescriptorProto]:
    with tempfile.NamedTemporaryFile() as out:
        subprocess.run(
            [
                "protoc",
                "-I",
                ROOT / "proto",
                "--include_imports",
                "--include_source_info",
                f"--descriptor_set_out={out.name}",
                ROOT / "proto/kasumori/v1/record.proto",
            ],
            check=True,
        )
        files = descriptor_pb2.FileDescriptorSet.FromString(Path(out.name).read_bytes())
    return list(files.file)


def comments(file: descriptor_pb2.FileDescriptorProto) -> dict[tuple[int, ...], str]:
    found = {}
    for location in file.source_code_info.location:
        text = " ".join((location.leading_comments + " " + location.trailing_comments).split())
        if text:
            found[tuple(location.path)] = text
    return found


def camel(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


def scalar(message: str, field: descriptor_pb2.FieldDescriptorProto) -> dict:
    if field.type == Field.TYPE_MESSAGE:
        target = field.type_name.rsplit(".", 1)[-1]
        reference = {"$ref": f"#/components/schemas/{target}"}
        if target == "Text" or (message, field.name) == ("Record", "worker"):
            return {"oneOf": [reference, {"type": "string"}]}
        return reference
    if field.type == Field.TYPE_ENUM:
        return {"$ref": f"#/components/schemas/{field.type_name.rsplit('.', 1)[-1]}"}
    if field.type == Field.TYPE_BOOL:
        return {"type": "boolean"}
    if field.type == Field.TYPE_STRING:
        limit = (
            8192
            if message == "Text"
            else 1024
            if field.name.endswith("uri")
            else 64
            if field.name in NAMED
            else 256
        )
        return {"type": "string", "maxLength": limit}
    if field.type == Field.TYPE_BYTES:
        if field.name.endswith("_id"):
            return {"type": "string", "format": "uuid"}
        return {"type": "string", "description": "hexadecimal or base64"}
    if field.name.endswith("_at_us") or field.name in (
        "at_us",
        "occurred_start_us",
        "occurred_end_us",
        "keep_until_us",
    ):
        return {
            "oneOf": [
                {
                    "type": "integer",
                    "format": "int64",
                    "description": "microseconds since 1970 UTC",
                },
                {
                    "type": "string",
                    "description": "the same as decimal text, or RFC 3339 with an offset",
                },
            ]
        }
    if field.type == Field.TYPE_INT64:
        return {
            "oneOf": [
                {"type": "integer", "format": "int64"},
                {"type": "string", "pattern": "^-?[0-9]+$"},
            ]
        }
    return {"type": "integer", "minimum": 0, "maximum": 2**32 - 1}


def message_schema(
    message: descriptor_pb2.DescriptorProto, notes: dict, path: tuple[int, ...]
) -> dict:
    properties = {}
    for index, field in enumerate(message.field):
        if (message.name, field.name) in SET_BY_AGENT:
            continue
        schema = scalar(message.name, field)
        if field.label == Field.LABEL_REPEATED:
            most = {"persons": 4, "identifiers": 8}.get(field.name, 64)
            schema = {"type": "array", "items": schema, "maxItems": most}
        note = notes.get((*path, 2, index))
        if note:
            schema = (
                {"allOf": [schema], "description": note}
                if "$ref" in schema
                else {**schema, "description": note}
            )
        properties[camel(field.name)] = schema
    schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if message.name == "Identifier":
        properties["value"] = {
            "type": "string",
            "minLength": 1,
            "maxLength": 256,
            "description": "What was typed or carried; it never leaves the site in the clear.",
        }
        schema["required"] = ["kind", "value"]
    if message.name == "Record":
        schema["required"] = ["site", "occurredStartUs"]
    if path in notes:
        schema["description"] = notes[path]
    return schema


def enum_schema(enum: descriptor_pb2.EnumDescriptorProto) -> dict:
    prefix = enum.value[0].name.removesuffix("UNSPECIFIED")
    names = [value.name for value in enum.value]
    return {
        "oneOf": [
            {"type": "string", "enum": [*names, *(n.removeprefix(prefix) for n in names)]},
            {"type": "integer", "description": "unknown numbers are kept"},
        ]
    }


def schemas() -> dict:
    found = {}
    for file in load():
        notes = comments(file)
        for index, message in enumerate(file.message_type):
            if message.name != "Token":
                found[message.name] = message_schema(message, notes, (4, index))
        for enum in file.enum_type:
            found[enum.name] = enum_schema(enum)
    return dict(sorted(found.items()))


def problem(text: str) -> dict:
    return {
        "description": text,
        "content": {
            "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
        },
    }


TEXT = {"type": "string", "maxLength": 8192, "description": "masked before it is stored"}
ID = {"type": "string", "format": "uuid"}
RECEIPT = {"type": "string", "examples": ["K7M-4QX"]}
TRI_WORD = {"enum": ["yes", "no"]}
CODES = "time repeat abuse violence threat authority offsite sns sexual".split()


def closed(properties: dict, required: list[str]) -> dict:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def form_schemas() -> dict:
    """The bodies of form_read.c and caller_text.c."""
    identifier = closed(
        {
            "kind": {"enum": "phone member account mail vehicle sns".split()},
            "value": {"type": "string", "minLength": 1, "maxLength": 256},
            "again": {
                "type": "string",
                "maxLength": 256,
                "description": "typed a second time: CONFIRMED when both are one after normalising",
            },
            "readBack": {"type": "boolean", "description": "read back to the customer: CONFIRMED"},
        },
        ["kind", "value"],
    )
    added = {
        "formId": {**ID, "description": "made by the page for each form; names the record"},
        "categories": {
            "type": "array",
            "items": {"enum": CODES},
            "maxItems": 9,
            "uniqueItems": True,
            "description": "of mhlw9, 2022; none is allowed",
        },
        "hurt": TRI_WORD,
        "policeCalled": {"type": "boolean"},
        "anonymous": {"type": "boolean", "description": "leave the worker out of the record"},
        "words": TEXT,
        "note": TEXT,
        "identifiers": {"type": "array", "items": identifier, "maxItems": 4},
    }
    whole = {
        **added,
        "minutesAgo": {"type": "integer", "minimum": 0, "maximum": 43200},
        "channel": {"enum": "face_to_face phone visit mail chat sns other".split()},
        "spot": {"type": "string", "description": "a name of form.spots"},
        "stillHere": TRI_WORD,
        "callId": {"type": "string", "maxLength": 256},
    }
    receipt = {"receipt": RECEIPT}
    own = {
        "reportFormId": {
            **ID,
            "description": "of a report without a name: its formId shows who made it",
        }
    }
    retraction = {k: added[k] for k in ("formId", "anonymous")}
    question = {
        name: {"type": "string", "maxLength": 256}
        for name in "number memberId account mail vehicle sns purpose".split()
    }
    question["callId"] = {"type": "string", "maxLength": 64}
    return {
        "FormReport": closed(whole, ["formId", "channel"]),
        "FormSupplement": closed({**added, **receipt}, ["formId", "receipt"]),
        "FormCorrection": closed({**whole, **receipt, **own}, ["formId", "receipt", "channel"]),
        "FormRetraction": closed(
            {**retraction, **receipt, **own, "reason": TEXT}, ["formId", "receipt"]
        ),
        "FormStored": {
            "type": "object",
            "properties": {
                "receipt": RECEIPT,
                "recordId": ID,
                "masked": {"type": "integer"},
                "state": {"const": "stored"},
            },
        },
        "FormProblem": {
            "type": "object",
            "properties": {
                "type": {"type": "string"},
                "status": {"type": "integer"},
                "title": {"type": "string"},
                "code": {"type": "string", "description": "stable: wrong_pin, locked, bad_form, …"},
                "detail": {"type": "string"},
                "place": {"type": "string", "description": "the member at fault"},
            },
        },
        "CallerQuestion": {
            **closed(question, ["purpose"]),
            "description": "exactly one of number, memberId, account, mail, vehicle, sns",
        },
        "CallerAnswer": {
            "type": "object",
            "required": ["state"],
            "properties": {
                "state": {"enum": ["known", "unknown", "unavailable", "not_asked"]},
                "reason": {
                    "type": "string",
                    "description": "unavailable: timeout, unreachable, untrusted, refused, busy, "
                    "bad_answer, not_configured; not_asked: withheld, public_phone, out_of_area, "
                    "no_number, impersonal",
                },
                "lookup": {
                    "type": "object",
                    "description": "as the monitor answered: services/monitor/openapi.yaml, Lookup",
                },
            },
        },
    }


def form_paths() -> dict:
    """What pages of this agent post: JSON, with the header X-Kasumori, no bearer key."""

    def reference(name: str) -> dict:
        return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}

    def refused(text: str) -> dict:
        schema = {"$ref": "#/components/schemas/FormProblem"}
        return {"description": text, "content": {"application/problem+json": {"schema": schema}}}

    page = {
        "name": "X-Kasumori",
        "in": "header",
        "required": True,
        "schema": {"type": "string"},
        "description": "any value; no page of another origin can send it",
    }
    refusals = {
        "400": refused("bad_form, with its place."),
        "401": refused("wrong_pin or signed_out."),
        "403": refused("foreign or other_worker."),
        "404": refused("no_form, no_workers or unknown_receipt."),
        "409": refused("already_sent: stored under this formId with other content."),
        "413": problem("Body too large."),
        "415": refused("Another Content-Type."),
        "429": refused("locked; Retry-After says how long."),
        "503": refused("busy or cannot_store; nothing was stored."),
        "507": refused("storage_full; nothing was stored."),
    }

    def post(summary: str, body: dict, good: dict) -> dict:
        return {
            "post": {
                "summary": summary,
                "security": [],
                "parameters": [page],
                "requestBody": {"required": True, "content": body},
                "responses": {**good, **refusals},
            }
        }

    def plain(properties: dict, required: list[str]) -> dict:
        return {"application/json": {"schema": closed(properties, required)}}

    def get(summary: str, kind: str) -> dict:
        good = {"200": {"description": "It.", "content": {kind: {}}}}
        return {"get": {"summary": summary, "security": [], "responses": good}}

    text = {"type": "string"}
    stored = {
        "201": {"description": "Stored.", "content": reference("FormStored")},
        "200": {"description": "It was stored before.", "content": reference("FormStored")},
    }
    session = plain({"code": text, "pin": text}, ["code", "pin"])
    signed_in = {
        "200": {
            "description": "Signed in; a cookie says so.",
            "content": plain({"worker": text}, ["worker"]),
        }
    }
    state = {
        "receipt": RECEIPT,
        "at": {"type": "string", "format": "date-time"},
        "state": {
            "enum": ["stored", "delivered", "in_review", "judged", "withdrawn"],
            "description": "stored here; at headquarters; and what headquarters said last: a judge "
            "looks at it, has judged it, or it was taken back",
        },
        "isCurrent": {
            "type": "boolean",
            "description": "headquarters told within the last minute whether anybody judges it",
        },
        "isYours": {"type": "boolean"},
    }
    receipt_state = {"200": {"description": "How far it is.", "content": plain(state, list(state))}}
    answered = {"200": {"description": "What is known.", "content": reference("CallerAnswer")}}
    paths = {
        "/form": get("The staff form", "text/html"),
        "/caller": get("The look-up, to type a number", "text/html"),
        "/pop": get("The look-up, number and call in the fragment: #tel=…&call=…", "text/html"),
        "/form/v1/config": get("What the pages need to know", "application/json"),
        "/form/v1/session": post("Sign in", session, signed_in),
        "/form/v1/session/end": post("Sign out", plain({}, []), {"204": {"description": "Out."}}),
        "/form/v1/receipt": post(
            "How far a report is, or what was added to it under formId",
            plain(
                {"receipt": RECEIPT, "formId": {"type": "string", "format": "uuid"}}, ["receipt"]
            ),
            receipt_state,
        ),
        "/form/v1/caller": post("Look a number up", reference("CallerQuestion"), answered),
    }
    for path, name in (
        ("reports", "FormReport"),
        ("supplements", "FormSupplement"),
        ("corrections", "FormCorrection"),
        ("retractions", "FormRetraction"),
    ):
        paths[f"/form/v1/{path}"] = post(f"Store: {name}", reference(name), stored)
    paths["/v1/caller"] = {
        "post": {
            "summary": "Look a number up, for telephone systems and headquarters' board",
            "requestBody": {"required": True, "content": reference("CallerQuestion")},
            "responses": {
                **answered,
                "400": problem("Bad question, with its member."),
                "401": problem("No or wrong bearer key (TCP, when one is set)."),
                "403": problem("A page of an origin other than lookup.allow_origin."),
                "413": problem("Body too large."),
                "415": problem("Another Content-Type."),
            },
        },
        "options": {
            "summary": "A browser asks first",
            "security": [],
            "responses": {
                "204": {"description": "The board of lookup.allow_origin may ask."},
                "403": problem("Another origin."),
            },
        },
    }
    return paths


def document() -> dict:
    record = {"$ref": "#/components/schemas/Record"}
    stored = {
        "type": "object",
        "properties": {
            "recordId": {"type": "string", "format": "uuid"},
            "masked": {"type": "integer"},
        },
    }
    line = {
        "type": "object",
        "required": ["line"],
        "properties": {
            "line": {"type": "integer"},
            "recordId": {"type": "string", "format": "uuid"},
            "error": {"type": "string"},
        },
    }
    batch = {
        "type": "object",
        "properties": {
            "accepted": {"type": "integer"},
            "rejected": {"type": "integer"},
            "masked": {"type": "integer"},
            "results": {"type": "array", "items": line},
        },
    }
    calls = {
        "type": "object",
        "properties": {
            "rows": {"type": "integer"},
            "calls": {"type": "integer"},
            "rejected": {"type": "integer"},
            "errors": {"type": "array", "items": {"type": "string"}},
        },
    }
    refusals = {
        "400": problem("Bad input, with its place."),
        "401": problem("No or wrong bearer key (TCP, when one is set)."),
        "403": problem("No key is demanded, and a page of another origin asked, or Host is a name."),
        "413": problem("Body or batch too large."),
        "415": problem("Another Content-Type."),
        "503": problem("Queue full or a write failed; nothing was stored; Retry-After says when."),
        "507": problem("Disk full or the spool at its limit; nothing was stored."),
    }

    def json_of(schema: dict) -> dict:
        return {"application/json": {"schema": schema}}

    state = {"200": {"description": "Yes."}, "503": {"description": "No."}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "kasumori-agent",
            "version": "1",
            "description": "Intake at a site. Success means durable.",
        },
        "paths": {
            "/v1/records": {
                "post": {
                    "summary": "Store one record, or a batch of one a line",
                    "parameters": [
                        {
                            "name": "traceparent",
                            "in": "header",
                            "schema": {"type": "string"},
                            "description": "W3C trace context, version 00; becomes a header of each "
                            "record's message; another form is ignored",
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {
                            "application/json": {"schema": record},
                            "application/x-ndjson": {
                                "schema": {
                                    "type": "string",
                                    "description": "up to 1000 records, one JSON object a line",
                                }
                            },
                        },
                    },
                    "responses": {
                        "201": {"description": "One record stored.", "content": json_of(stored)},
                        "200": {
                            "description": "A batch: good lines are stored, bad ones named.",
                            "content": json_of(batch),
                        },
                        **refusals,
                    },
                }
            },
            "/v1/call-records": {
                "post": {
                    "summary": "Import Asterisk call records",
                    "parameters": [
                        {
                            "name": "source",
                            "in": "query",
                            "required": True,
                            "schema": {"type": "string"},
                            "description": "name of a source in agent.yaml's asterisk list",
                        }
                    ],
                    "requestBody": {
                        "required": True,
                        "content": {"text/csv": {"schema": {"type": "string"}}},
                    },
                    "responses": {
                        "200": {
                            "description": "Good rows are stored, bad ones named.",
                            "content": json_of(calls),
                        },
                        **refusals,
                    },
                }
            },
            **form_paths(),
            "/livez": {"get": {"summary": "The process runs", "responses": state}},
            "/readyz": {
                "get": {
                    "summary": "Records can be stored; degraded while headquarters is out of reach",
                    "responses": state,
                }
            },
            "/metrics": {
                "get": {
                    "summary": "Prometheus text",
                    "responses": {"200": {"description": "Metrics."}},
                }
            },
        },
        "components": {
            "schemas": {
                **schemas(),
                **form_schemas(),
                "Problem": {
                    "type": "object",
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                    },
                },
            },
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def main() -> int:
    text = (
        "# Made by tests/lint/agent_openapi.py --write from proto/kasumori/v1.\n"
        + yaml.safe_dump(document(), sort_keys=False, allow_unicode=True, width=110)
    )
    if "--write" in sys.argv:
        TARGET.write_text(text)
        return 0
    if not TARGET.exists() or TARGET.read_text() != text:
        print(
            f"{TARGET.relative_to(ROOT)} differs from the proto: run tests/lint/agent_openapi.py --write"
        )
        return 1
    print("openapi: holds")
    return 0


if __name__ == "__main__":
    sys.exit(main())
