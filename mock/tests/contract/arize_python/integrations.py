"""Creates, lists, reads, updates and deletes an integration of each form with the vendor's client.

Evaluators, and the newer ways to authenticate at a custom endpoint, are not in the client's own methods yet: they go
through the generated client below it, which is part of the same package.
"""

import logging
import sys
from urllib.parse import urlsplit

from arize import ArizeClient
from arize._generated import api_client as gen
from arize._generated.api_client.exceptions import ApiException
from arize.integrations import types as t

logging.disable(logging.WARNING)
place = urlsplit(sys.argv[1])
client = ArizeClient(
    api_key="mock-admin-key", api_scheme="http", api_host=place.hostname, api_port=place.port
)
integrations = client.integrations
generated = integrations._api

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
        t.CreateAwsBedrockConfig(
            provider="AWS_BEDROCK",
            model_names=["a"],
            auth=t.CreateAwsBedrockAuth(
                t.CreateAwsBedrockBearerTokenAuth(auth_type="BEARER_TOKEN", api_key=KEY)
            ),
        ),
        {
            "auth": t.CreateAwsBedrockAuth(
                t.CreateAwsBedrockDefaultAuth(auth_type="DEFAULT", role_arn="arn:aws:iam::1:role/s", external_id="e")
            )
        },
        # The block is replaced whole: nothing of the former one is left.
        {"auth": {"auth_type": "DEFAULT", "role_arn": "arn:aws:iam::1:role/s", "external_id": "e", "base_url": None}},
    ),
    (
        t.CreateAwsBedrockConfig(
            provider="AWS_BEDROCK",
            is_default_models_enabled=True,
            auth=t.CreateAwsBedrockAuth(
                t.CreateAwsBedrockProxyWithHeadersAuth(
                    auth_type="PROXY_WITH_HEADERS", base_url=ADDRESS, headers={"x": KEY}
                )
            ),
        ),
        {"is_default_models_enabled": False, "model_names": ["a"]},
        {"auth": {"auth_type": "PROXY_WITH_HEADERS", "base_url": ADDRESS, "header_names": ["x"]}},
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
        t.CreateCustomConfig(
            provider="CUSTOM",
            base_url=ADDRESS,
            model_names=["a"],
            auth=gen.CreateCustomAuth(
                gen.CreateCustomOauth2ClientCredentialsAuth(
                    auth_type="OAUTH2_CLIENT_CREDENTIALS", token_url=ADDRESS, client_id="c", client_secret=KEY
                )
            ),
        ),
        {"function_calling_enabled": False},
        {
            "has_api_key": False,
            "auth": {
                "auth_type": "OAUTH2_CLIENT_CREDENTIALS",
                "token_url": ADDRESS,
                "client_id": "c",
                "has_client_secret": True,
                "scopes": None,
                "audience": None,
            },
        },
    ),
    (
        t.CreateCustomConfig(
            provider="CUSTOM",
            base_url=ADDRESS,
            model_names=["a"],
            auth=gen.CreateCustomAuth(gen.CreateCustomDefaultAuth(auth_type="DEFAULT", api_key=KEY)),
        ),
        {"api_key": None},
        {"has_api_key": False, "auth": {"auth_type": "DEFAULT", "has_api_key": False}},
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

def preset(name, config):
    return {"name": name, "config": config}


agent = inner(
    integrations.create_agent(
        name="agent",
        endpoint="https://agent.example.com",
        input_schema={"type": "object", "properties": {"depth": {"type": "integer"}}},
        headers={"x": KEY},
        request_presets=[
            t.CreateAgentRequestPresetInput(**preset("shallow", {"depth": 1})),
            t.CreateAgentRequestPresetInput(**preset("deep", {"depth": 9})),
        ],
    )
)
made["agent"] = agent.id
check(agent.config.has_headers, agent)
first = {one.name: one.id for one in agent.config.request_presets}

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

integrations.update_agent(
    integration="agent",
    description="of ours",
    headers=None,
    request_presets=[
        t.UpdateAgentRequestPresetInput(**preset("deep", {"depth": 8})),
        t.UpdateAgentRequestPresetInput(**preset("deeper", {"depth": 99})),
    ],
)
read = inner(integrations.get(integration=agent.id))
check(read.description == "of ours", read)
check(not read.config.has_headers, read)
second = {one.name: one.id for one in read.config.request_presets}
check(set(second) == {"deep", "deeper"}, second)
check(second["deep"] == first["deep"], "a preset of the same name is the same one")
wrong = [t.UpdateAgentRequestPresetInput(**preset("deep", {"depth": "very"}))]
refused(422, lambda: integrations.update_agent(integration="agent", request_presets=wrong))

custom = next(f"form {index}" for index, (config, _, _) in enumerate(FORMS) if config.provider == "CUSTOM")
refused(422, lambda: integrations.update_llm(integration=custom, base_url=None))


def evaluator(name, **config):
    body = gen.CreateEvaluatorIntegrationRequest(
        type="EVALUATOR",
        name=name,
        config=gen.CreateEvaluatorIntegrationConfigInput(endpoint="https://judge.example.com", **config),
    )
    return inner(generated.create_integration(gen.CreateIntegrationRequest(body)))


def evaluators():
    return [inner(one) for one in generated.list_integrations(type="EVALUATOR").integrations]


judge = evaluator("judge", input_schema={"type": "object"}, headers={"x": KEY})
made["judge"] = judge.id
refused(409, lambda: evaluator("agent", input_schema={"type": "object"}))
refused(422, lambda: evaluator("list", input_schema={"type": "array"}))
check([one.id for one in evaluators()] == [judge.id], "evaluators are listed where they are asked for")
check(judge.id not in [one.id for one in pages()[0]], "and nowhere else")
change = gen.UpdateEvaluatorIntegrationRequest(
    type="EVALUATOR", description="scores", config=gen.UpdateEvaluatorIntegrationConfigInput(headers={})
)
generated.update_integration(judge.id, gen.UpdateIntegrationRequest(change))
read = inner(generated.get_integration(judge.id))
check((read.description, read.config.has_headers) == ("scores", False), read)

for name, id in made.items():
    integrations.delete(integration=id)
    refused(404, lambda: integrations.get(integration=id))
check(pages()[0] == [], "something is left")
check(evaluators() == [], "an evaluator is left")
print(f"arize {len(FORMS)} forms of providers, an agent and an evaluator: created, listed, read, updated, deleted")
