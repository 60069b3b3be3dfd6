"""What the judge itself has to be helped with.

The coverage phase of schemathesis draws values of `type: [string, 'null']` without looking at the
`format` beside it, and then reports that "" was refused as a date. The same schema as `anyOf` is
understood, so the copy of the description that the judge works with has it in that form.
"""

import schemathesis


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


@schemathesis.hook
def before_load_schema(context, raw_schema):
    raw_schema.update(in_branches(raw_schema))
