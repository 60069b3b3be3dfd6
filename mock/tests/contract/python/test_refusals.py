"""Every operation refuses who may not call it, before it looks at anything else."""

import json
import os
import unittest
from urllib.error import HTTPError
from urllib.request import Request, urlopen

URL = os.environ["MOCK_URL"]
ADMIN = {"x-portkey-api-key": "mock-admin-key", "content-type": "application/json"}
WORDS = {"{type}": "workspace", "{sub-type}": "service"}


def call(method, path, headers=None, body=None):
    """The status and the body of an answer."""
    data = json.dumps(body).encode() if body is not None else None
    try:
        with urlopen(Request(URL + path, method=method, headers=headers or {}, data=data), timeout=30) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


def operations():
    """Method, path with something in place of its parameters, and description of every operation."""
    nothing = "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11"
    _, document = call("GET", "/_mock/openapi.json")
    for path, item in document["paths"].items():
        steps = [WORDS.get(step, nothing if step.startswith("{") else step) for step in path.split("/")]
        for method in item.keys() & {"get", "post", "put", "patch", "delete"}:
            yield method.upper(), "/v1" + "/".join(steps), item[method]


class Refusals(unittest.TestCase):
    def test_every_operation_but_one_needs_a_key(self):
        public, secured = [], 0
        for method, path, _ in operations():
            status, body = call(method, path)
            if status != 401:
                public.append(path.split("/")[2])
                continue
            self.assertFalse(body["success"], path)
            stranger = {"authorization": "Bearer nobody"}
            self.assertEqual(call(method, path, stranger)[0], 401, f"{method} {path}")
            secured += 1
        self.assertEqual((public, secured), (["model-configs"], 243))

    def test_what_needs_a_scope_is_forbidden_without_it(self):
        key = {"name": "narrow", "scopes": ["no.such.scope"]}
        _, key = call("POST", "/v1/api-keys/organisation/service", ADMIN, key)
        scoped = 0
        for method, path, operation in operations():
            if "x-scope" in operation:
                status, body = call(method, path, {"x-portkey-api-key": key["key"]})
                self.assertEqual(status, 403, f"{method} {path}: {body}")
                scoped += 1
        self.assertGreater(scoped, 200)


if __name__ == "__main__":
    unittest.main()
