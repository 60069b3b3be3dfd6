"""Creates, lists, reads, updates and deletes an integration of each form with the vendor's client."""

import logging
import sys
from urllib.parse import urlsplit

from arize import ArizeClient
from arize._generated.api_client.exceptions import ApiException
from arize.integrations import types as t

logging.disable(logging.WARNING)
place = urlsplit(sys.argv[1])
client = ArizeClient(
    api_key="mock-admin-key", api_scheme="http", api_host=place.hostname, api_port=place.port
)
integrations = client.integrations

KEY = "sk-never-shown"
ADDRESS = "https://llm.example.com/v1"

# The configuration to create, what an update changes, and what is read afterwards.
FORMS = [
    (t.CreateOpenAiConfig(provider="OPEN_AI", api_key=KEY), {"api_key": None}, {"has_api_key": False}),
    (
        t.CreateAnthropicConfig(provider="ANTHROPIC", api_key=KEY, base_url=ADDRESS),
        {"base_url": None},
        {"base_url": None, "has_api_key": True},
    ),
    (
        t.CreateGeminiConfig(provider="GEMINI", api_key=KEY),
        {"function_calling_enabled": False},
        {"is_function_calling_enabled": False},
    ),
    (
        t.CreateAwsBedrockConfig(
            provider="AWS_BEDROCK",
            model_names=["a"],
            auth=t.CreateAwsBedrockAuth(
                t.CreateAwsBedrockDefaultAuth(auth_type="DEFAULT", role_arn="arn:aws:iam::1:role/r")
            ),
        ),
        {"model_names": ["b", "c"]},
        {"model_names": ["b", "c"]},
    ),
    (
        t.CreateVertexAiConfig(
            provider="VERTEX_AI", project_id="p", location="l", project_access_label="a"
        ),
        {"location": "elsewhere"},
        {"location": "elsewhere", "project_id": "p"},
    ),
    (
        t.CreateCustomConfig(
            provider="CUSTOM", base_url=ADDRESS, api_key=KEY, headers={"x": KEY}, model_names=["a"]
        ),
        {"headers": {"y": KEY, "z": KEY}},
        {"header_names": ["y", "z"], "has_api_key": True},
    ),
    (
        t.CreateNvidiaNimConfig(provider="NVIDIA_NIM", is_default_models_enabled=True),
        {"base_url": ADDRESS},
        {"base_url": ADDRESS},
    ),
    (
        t.CreateLiteLlmConfig(provider="LITELLM", base_url=ADDRESS, api_key=KEY),
        {"model_names": ["a"]},
        {"model_names": ["a"]},
    ),
    (
        t.CreateFireworksConfig(provider="FIREWORKS", api_key=KEY),
        {"is_default_models_enabled": True},
        {"is_default_models_enabled": True},
    ),
    (
        t.CreateTogetherAiConfig(provider="TOGETHER_AI", api_key=KEY),
        {"api_key": None},
        {"has_api_key": False},
    ),
]


def check(condition, what):
    if not condition:
        sys.exit(f"not as expected: {what}")


def refused(status, call):
    try:
        call()
    except ApiException as error:
        check(error.status == status, f"{error.status} instead of {status}: {error.body}")
        return
    sys.exit(f"accepted, though {status} was expected")


def inner(value):
    """What a choice of several forms holds."""
    while getattr(value, "actual_instance", None) is not None:
        value = value.actual_instance
    return value


def pages(**query):
    """All of a list, page after page, with how long each page was."""
    found, lengths, cursor = [], [], None
    while True:
        page = integrations.list(limit=4, cursor=cursor, **query)
        items = [inner(item) for item in page.integrations]
        found += items
        lengths.append(len(items))
        if not page.pagination.has_more:
            return found, lengths
        cursor = page.pagination.next_cursor


made = {}
for index, (config, _, _) in enumerate(FORMS):
    name = f"form {index}"
    integration = inner(integrations.create_llm(name=name, config=config))
    check(integration.name == name, integration)
    made[name] = integration.id
    refused(409, lambda: integrations.create_llm(name=name, config=config))

agent = inner(
    integrations.create_agent(
        name="agent", endpoint="https://agent.example.com", input_schema={"type": "object"}
    )
)
made["agent"] = agent.id

found, lengths = pages()
check({item.id for item in found} == set(made.values()), found)
check(len(lengths) > 2 and 0 in lengths, f"pages of {lengths}")
check([item.id for item in pages(name="AGENT")[0]] == [agent.id], "the name filter")

for index, (config, change, expected) in enumerate(FORMS):
    name = f"form {index}"
    # A name is looked up in the list first.
    integrations.update_llm(integration=name, **change)
    read = inner(integrations.get(integration=made[name]))
    shown = inner(read.config).to_dict()
    check(shown["provider"] == config.provider, shown)
    for field, value in expected.items():
        check(shown.get(field) == value, f"{config.provider}: {field} of {shown}")
    check(KEY not in str(read.to_dict()), f"{config.provider} shows a secret")

integrations.update_agent(integration="agent", description="of ours")
check(inner(integrations.get(integration=agent.id)).description == "of ours", "the description")
refused(422, lambda: integrations.update_llm(integration="form 5", base_url=None))

for name, id in made.items():
    integrations.delete(integration=id)
    refused(404, lambda: integrations.get(integration=id))
check(pages()[0] == [], "something is left")
print(f"arize {len(FORMS)} providers and an agent: created, listed, read, updated, deleted")
