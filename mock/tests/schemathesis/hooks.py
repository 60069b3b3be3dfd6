"""What the judge itself has to be helped with.

The coverage phase of schemathesis draws values of `type: [string, 'null']` without looking at the
`format` beside it, and then reports that "" was refused as a date. The same schema as `anyOf` is
understood, so the copy of the description that the judge works with has it in that form.

The schema of an event stream is that of what its events carry. The judge reads it as that of the events
themselves, so its copy says which part of an event the schema is about.

A 404 may be about something that the body names, and not about the path. The judge takes it for a sign
that what was created a moment ago is not there; its check is asked only about the others.
"""

import re

import schemathesis
from schemathesis.specs.openapi.checks import ensure_resource_availability


def in_branches(node):
    if isinstance(node, list):
        return [in_branches(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: in_branches(value) for key, value in node.items()}
    types = node.get("type")
    if isinstance(types, list) and isinstance(node.get("format"), str) and "enum" not in node:
        written = {key: node.pop(key) for key in ("format", "pattern", "minLength", "maxLength") if key in node}
        del node["type"]
        node["anyOf"] = [
            {"type": name, **(written if name == "string" else {})} for name in types
        ]
    return node


def in_events(node):
    if isinstance(node, list):
        return [in_events(item) for item in node]
    if not isinstance(node, dict):
        return node
    node = {key: in_events(value) for key, value in node.items()}
    stream = node.get("text/event-stream")
    if isinstance(stream, dict) and "schema" in stream:
        carried = stream["schema"].get("anyOf", [stream["schema"]])
        words = [branch for branch in carried if branch.get("type") == "string"]
        objects = [branch for branch in carried if branch.get("type") != "string"]
        data = {"type": "string", "contentMediaType": "application/json", "contentSchema": {"anyOf": objects}}
        node["text/event-stream"] = {
            "schema": {
                "type": "object",
                "required": ["data"],
                "properties": {"data": {"anyOf": [*words, data]}},
            }
        }
    return node


@schemathesis.hook
def before_load_schema(context, raw_schema):
    raw_schema.update(in_events(in_branches(raw_schema)))


NAMED_IN_BODY = re.compile(rb" in \S+ does not exist")


@schemathesis.check
def created_is_available(ctx, response, case):
    if NAMED_IN_BODY.search(response.content):
        return None
    return ensure_resource_availability(ctx, response, case)
