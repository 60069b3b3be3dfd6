"""The official Python SDK against the mock: every admin resource that it covers, from creation to deletion."""

import os
import time
import unittest

from portkey_ai import Portkey
from portkey_ai.api_resources.apis.api_resource import APIResource
from portkey_ai.api_resources.exceptions import APIStatusError

URL = os.environ["MOCK_URL"]


def plain(answer):
    """An answer as plain data, whichever of the SDK's types it came in."""
    return answer.model_dump(mode="json") if hasattr(answer, "model_dump") else dict(answer)


class Contract(unittest.TestCase):
    """A client, and a workspace with an integration for each test."""

    count = 0

    def setUp(self):
        self.client = Portkey(api_key="mock-admin-key", base_url=URL + "/v1")
        type(self).count += 1
        self.name = f"{type(self).__name__} {self.count} {time.monotonic_ns()}"
        self.workspace = plain(self.client.admin.workspaces.create(name=self.name))["id"]

    def integration(self, **more):
        slug = f"i-{time.monotonic_ns()}"
        self.client.integrations.create(
            name=slug, slug=slug, ai_provider_id="openai", key="sk-a-secret-of-some-length", **more
        )
        return slug

    def provider(self):
        slug = self.integration()
        grant = [{"id": self.workspace, "enabled": True}]
        self.client.integrations.workspaces.update(slug=slug, workspaces=grant)
        listed = plain(self.client.providers.list(workspace_id=self.workspace))["data"]
        return listed[0]["slug"]

    def collection(self):
        return plain(self.client.collections.create(name="c", workspace_id=self.workspace))["id"]

    def gone(self, call, *statuses):
        with self.assertRaises(APIStatusError) as refused:
            call()
        self.assertIn(refused.exception.status_code, statuses or (404,))

    def ids(self, listed, field="id"):
        return [item[field] for item in plain(listed)["data"]]


class Workspaces(Contract):
    def test_life(self):
        api = self.client.admin.workspaces
        read = plain(api.retrieve(workspace_id=self.workspace))
        self.assertEqual(read["name"], self.name)
        self.assertEqual(self.ids(api.list(exact_name=self.name)), [self.workspace])
        api.update(workspace_id=self.workspace, description="changed", defaults={"metadata": {"team": "x"}})
        read = plain(api.retrieve(workspace_id=self.workspace))
        self.assertEqual((read["description"], read["defaults"]["metadata"]), ("changed", {"team": "x"}))
        self.gone(lambda: api.delete(workspace_id=self.workspace, name="another"), 400)
        api.delete(workspace_id=self.workspace, name=self.name)
        self.gone(lambda: api.retrieve(workspace_id=self.workspace), 403)

    def test_members(self):
        user = plain(self.client.admin.users.list(role="member"))["data"][0]["id"]
        api = self.client.admin.workspaces.users
        api.create(workspace_id=self.workspace, users=[{"id": user, "role": "member"}])
        self.assertIn(user, self.ids(api.list(workspace_id=self.workspace)))
        api.update(workspace_id=self.workspace, user_id=user, role="manager")
        self.assertIn("manager", plain(api.retrieve(workspace_id=self.workspace, user_id=user))["role"])
        api.delete(workspace_id=self.workspace, user_id=user)
        self.assertNotIn(user, self.ids(api.list(workspace_id=self.workspace)))


class Users(Contract):
    def test_users(self):
        api = self.client.admin.users
        user = plain(api.list(role="member"))["data"][-1]
        self.assertEqual(plain(api.retrieve(user_id=user["id"]))["email"], user["email"])
        api.update(user_id=user["id"], role="admin")
        self.assertEqual(plain(api.retrieve(user_id=user["id"]))["role"], "admin")
        self.gone(lambda: api.update(user_id=user["id"], role="admin"), 400)
        api.update(user_id=user["id"], role="member")

    def test_invites(self):
        api = self.client.admin.users.invites
        email = f"{time.monotonic_ns()}@example.com"
        place = [{"id": self.workspace, "role": "member"}]
        created = plain(api.create(email=email, role="member", workspaces=place))
        self.assertIn("invite_link", created)
        self.assertEqual(plain(api.retrieve(invite_id=created["id"]))["email"], email)
        self.assertIn(created["id"], self.ids(api.list(status="pending")))
        api.resend(invite_id=created["id"])
        api.delete(invite_id=created["id"])
        self.gone(lambda: api.resend(invite_id="7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11"))


class ApiKeys(Contract):
    def test_life(self):
        api = self.client.api_keys
        created = plain(
            api.create(
                type="workspace",
                sub_type="service",
                name="k",
                workspace_id=self.workspace,
                scopes=["logs.list", "workspaces.read"],
                usage_limits={"credit_limit": 10, "periodic_reset": "monthly"},
                rate_limits=[{"type": "requests", "unit": "rpm", "value": 5}],
                defaults={"metadata": {"a": "b"}},
            )
        )
        self.assertTrue(created["key"])
        read = plain(api.retrieve(id=created["id"]))
        self.assertEqual((read["name"], read["usage_limits"]["credit_limit"]), ("k", 10))
        self.assertEqual(self.ids(api.list(workspace_id=self.workspace)), [created["id"]])
        api.update(id=created["id"], name="l", scopes=["logs.list"])
        self.assertEqual(plain(api.retrieve(id=created["id"]))["name"], "l")
        # The key that came with it is a credential, and knows its place.
        own = Portkey(api_key=created["key"], base_url=URL + "/v1")
        self.gone(lambda: own.admin.workspaces.create(name="x"), 403)
        api.delete(id=created["id"])
        self.gone(lambda: own.configs.list(), 401)
        self.gone(lambda: api.retrieve(id=created["id"]))

    def test_without_a_key(self):
        nobody = Portkey(api_key="nobody", base_url=URL + "/v1")
        self.gone(lambda: nobody.configs.list(), 401)


class Configs(Contract):
    def test_life(self):
        api = self.client.configs
        created = plain(api.create(name="c", config={"retry": {"attempts": 3}}, workspace_id=self.workspace))
        slug = self.ids(api.list(workspace_id=self.workspace), "slug")[0]
        read = plain(api.retrieve(slug=slug))
        self.assertIn("attempts", str(read))
        api.update(slug=slug, name="d", config={"cache": {"mode": "simple"}})
        read = plain(api.retrieve(slug=slug))
        self.assertIn("simple", str(read))
        self.assertTrue(created)
        api.delete(slug=slug)
        self.gone(lambda: api.retrieve(slug=slug))


class VirtualKeys(Contract):
    def test_life(self):
        api = self.client.virtual_keys
        created = plain(
            api.create(name="v", provider="openai", key="sk-abc-def", note="n", workspace_id=self.workspace)
        )
        slug = created["data"]["slug"] if "data" in created else created["slug"]
        self.assertEqual(plain(api.retrieve(slug=slug))["name"], "v")
        self.assertIn(slug, self.ids(api.list(workspace_id=self.workspace), "slug"))
        api.update(slug=slug, name="w", note="m")
        self.assertEqual(plain(api.retrieve(slug=slug))["note"], "m")
        api.delete(slug=slug)
        self.gone(lambda: api.retrieve(slug=slug))


class Integrations(Contract):
    def test_life(self):
        api = self.client.integrations
        slug = self.integration(description="d")
        read = plain(api.retrieve(slug=slug))
        self.assertEqual((read["slug"], read["ai_provider_id"]), (slug, "openai"))
        self.assertNotIn("sk-a-secret-of-some-length", str(read))
        self.assertIn(slug, self.ids(api.list(), "slug"))
        api.update(slug=slug, name="renamed")
        self.assertEqual(plain(api.retrieve(slug=slug))["name"], "renamed")
        api.delete(slug=slug)
        self.gone(lambda: api.retrieve(slug=slug))

    def test_grants_and_models(self):
        slug = self.integration()
        api = self.client.integrations
        api.workspaces.update(
            slug=slug,
            workspaces=[{"id": self.workspace, "enabled": True}],
            global_workspace_access={"enabled": False},
            override_existing_workspaces_access=False,
        )
        self.assertEqual(len(plain(api.workspaces.list(slug=slug))["workspaces"]), 1)
        models = [{"slug": "gpt-mine", "enabled": True, "is_custom": True, "base_model_slug": "gpt-4o"}]
        api.models.update(slug=slug, allow_all_models=False, models=models)
        known = [model["slug"] for model in plain(api.models.list(slug=slug))["models"]]
        self.assertIn("gpt-mine", known)
        api.models.delete(slug=slug, slugs="gpt-mine")
        known = [model["slug"] for model in plain(api.models.list(slug=slug))["models"]]
        self.assertNotIn("gpt-mine", known)


class Providers(Contract):
    def test_life(self):
        slug = self.integration()
        grant = [{"id": self.workspace, "enabled": True}]
        self.client.integrations.workspaces.update(slug=slug, workspaces=grant)
        api = self.client.providers
        created = plain(
            api.create(name="p", integration_id=slug, workspace_id=self.workspace, note="n", usage_limits={"credit_limit": 5})
        )
        read = plain(api.retrieve(slug=created["slug"], workspace_id=self.workspace))
        self.assertEqual((read["name"], read["usage_limits"]["credit_limit"]), ("p", 5))
        self.assertIn(created["slug"], self.ids(api.list(workspace_id=self.workspace), "slug"))
        api.update(slug=created["slug"], workspace_id=self.workspace, name="q", reset_usage=True)
        self.assertEqual(plain(api.retrieve(slug=created["slug"], workspace_id=self.workspace))["name"], "q")
        api.delete(slug=created["slug"], workspace_id=self.workspace)
        self.gone(lambda: api.retrieve(slug=created["slug"], workspace_id=self.workspace))


class Guardrails(Contract):
    def test_life(self):
        api = self.client.guardrails
        checks = [{"id": "default.contains", "parameters": {"operator": "none", "words": ["x"]}}]
        created = plain(
            api.create(name="g", checks=checks, actions={"deny": True, "async": False}, workspace_id=self.workspace)
        )
        read = plain(api.retrieve(guardrail_id=created["id"]))
        self.assertEqual((read["name"], read["checks"][0]["id"]), ("g", "default.contains"))
        self.assertEqual(self.ids(api.list(workspace_id=self.workspace)), [created["id"]])
        api.update(guardrail_id=created["id"], name="h", checks=checks, actions={"deny": False})
        self.assertEqual(plain(api.retrieve(guardrail_id=created["id"]))["name"], "h")
        api.delete(guardrail_id=created["id"])
        self.gone(lambda: api.retrieve(guardrail_id=created["id"]), 403)


class Labels(Contract):
    def test_life(self):
        api = self.client.labels
        created = plain(api.create(name="l", workspace_id=self.workspace, color_code="#aabbcc", description="d"))
        self.assertEqual(plain(api.retrieve(label_id=created["id"]))["name"], "l")
        self.assertIn(created["id"], self.ids(api.list(workspace_id=self.workspace)))
        api.update(label_id=created["id"], name="m")
        self.assertEqual(plain(api.retrieve(label_id=created["id"]))["name"], "m")
        api.delete(label_id=created["id"])
        self.gone(lambda: api.retrieve(label_id=created["id"]))


class Collections(Contract):
    def test_life(self):
        api = self.client.collections
        parent = self.collection()
        child = plain(api.create(name="child", workspace_id=self.workspace, parent_collection_id=parent))["id"]
        self.assertEqual(plain(api.retrieve(collection_id=child))["name"], "child")
        self.assertIn(child, self.ids(api.list(workspace_id=self.workspace)))
        api.update(collection_id=child, name="renamed")
        self.assertEqual(plain(api.retrieve(collection_id=child))["name"], "renamed")
        api.delete(collection_id=child)
        self.gone(lambda: api.retrieve(collection_id=child))


class Prompts(Contract):
    def test_life(self):
        api = self.client.prompts
        provider, collection = self.provider(), self.collection()
        version = {
            "string": '[{"role": "user", "content": "Hello {{name}}"}]',
            "parameters": {"temperature": 0},
            "model": "gpt-4o",
            "virtual_key": provider,
        }
        created = plain(
            api.create(name="p", collection_id=collection, template_metadata={"x": 1}, version_description="first", **version)
        )
        slug = created["slug"]
        self.assertEqual(plain(api.retrieve(prompt_slug=slug))["name"], "p")
        self.assertIn(slug, self.ids(api.list(collection_id=collection), "slug"))
        rendered = plain(api.render(prompt_id=slug, variables={"name": "World"}))
        self.assertIn("Hello World", str(rendered))
        version["string"] = version["string"].replace("Hello", "Bye")
        api.update(prompt_slug=slug, collection_id=collection, **version)
        versions = plain(api.versions.list(prompt_slug=slug))["data"]
        self.assertEqual(len(versions), 2)
        api.publish(prompt_slug=slug, version=2)
        self.assertIn("Bye World", str(plain(api.render(prompt_id=slug, variables={"name": "World"}))))
        one = versions[0]["id"]
        label = plain(self.client.labels.create(name=f"l{time.monotonic_ns()}", workspace_id=self.workspace))["id"]
        api.versions.update(prompt_slug=slug, version_id=one, label_id=label)
        self.assertTrue(plain(api.versions.retrieve(prompt_slug=slug, version_id=one)))
        api.delete(prompt_slug=slug)
        self.gone(lambda: api.retrieve(prompt_slug=slug))

    def test_partials(self):
        api = self.client.prompts.partials
        created = plain(api.create(name="pa", string="one", workspace_id=self.workspace, version_description="v"))
        slug = created["slug"]
        self.assertEqual(plain(api.retrieve(partial_slug=slug))["string"], "one")
        self.assertIn(slug, self.ids(api.list(), "slug"))
        api.update(partial_slug=slug, string="two", description="second")
        self.assertEqual(len(plain(api.versions.list(partial_slug=slug))["data"]), 2)
        api.publish(partial_slug=slug, version=2)
        self.assertEqual(plain(api.retrieve(partial_slug=slug))["string"], "two")
        api.delete(partial_slug=slug)
        self.gone(lambda: api.retrieve(partial_slug=slug))


class Logs(Contract):
    def test_logs_exports_and_feedback(self):
        trace = f"t-{time.monotonic_ns()}"
        self.client.logs.create(
            request={"url": "https://example.com/v1", "method": "POST", "body": {"model": "gpt-4o"}},
            response={"status": 200, "body": {}},
            metadata={"trace_id": trace},
        )
        api = self.client.logs.exports
        created = plain(
            api.create(filters={"trace_id": trace}, workspace_id=self.workspace, requested_data=["id"], description="d")
        )
        export = created["id"]
        self.assertEqual(plain(api.retrieve(export_id=export))["status"], "draft")
        self.assertIn(export, self.ids(api.list(workspace_id=self.workspace)))
        api.update(export_id=export, workspace_id=self.workspace, filters={}, requested_data=["id", "trace_id"])
        self.gone(lambda: api.download(export_id=export), 409)
        api.start(export_id=export)
        api.cancel(export_id=export)
        self.assertEqual(plain(api.retrieve(export_id=export))["status"], "stopped")
        feedback = plain(self.client.feedback.create(trace_id=trace, value=5, weight=0.5))
        several = self.client.feedback.bulk_create(feedbacks=[{"trace_id": trace, "value": 1}] * 2)
        self.assertEqual(len(plain(several)["feedback_ids"]), 2)
        self.client.feedback.update(feedback_id=feedback["feedback_ids"][0], value=-5)


class Mcp(Contract):
    def test_integrations_and_servers(self):
        api = self.client.mcp_integrations
        created = plain(api.create(name="m", url="https://mcp.example.com", auth_type="none", transport="http"))
        one = created["id"]
        self.assertEqual(plain(api.retrieve(mcp_integration_id=one))["name"], "m")
        self.assertIn(one, self.ids(api.list()))
        api.update(mcp_integration_id=one, name="n")
        self.assertEqual(plain(api.retrieve(mcp_integration_id=one))["name"], "n")
        api.workspaces.update(mcp_integration_id=one, workspaces=[{"id": self.workspace, "enabled": True}])
        self.assertTrue(plain(api.workspaces.list(mcp_integration_id=one)))
        capabilities = plain(api.capabilities.list(mcp_integration_id=one))["data"]
        change = [{"type": capabilities[0]["type"], "name": capabilities[0]["name"], "enabled": False}]
        api.capabilities.update(mcp_integration_id=one, capabilities=change)
        api.sync(mcp_integration_id=one, server_info={"server_version": "2"}, capabilities=[{"type": "tool", "name": "new"}])
        self.assertEqual(plain(api.metadata.retrieve(mcp_integration_id=one))["server_version"], "2")
        self.assertIn("new", self.ids(api.capabilities.list(mcp_integration_id=one), "name"))
        self.assertTrue(plain(api.test(mcp_integration_id=one))["success"])

        servers = self.client.mcp_servers
        server = plain(servers.create(name="s", mcp_integration_id=one, workspace_id=self.workspace))["id"]
        self.assertEqual(plain(servers.retrieve(mcp_server_id=server))["name"], "s")
        self.assertIn(server, self.ids(servers.list(workspace_id=self.workspace)))
        servers.update(mcp_server_id=server, name="t")
        self.assertEqual(plain(servers.retrieve(mcp_server_id=server))["name"], "t")
        self.assertTrue(plain(servers.capabilities.list(mcp_server_id=server))["data"])
        servers.capabilities.update(mcp_server_id=server, capabilities=change)
        user = plain(self.client.admin.users.list(role="member"))["data"][0]["id"]
        self.client.admin.workspaces.users.create(
            workspace_id=self.workspace, users=[{"id": user, "role": "member"}]
        )
        servers.user_access.update(mcp_server_id=server, user_access=[{"user_id": user, "enabled": False}])
        # The SDK has an object for the default, the document a word; so the list is read without its type.
        access = self.client.get(path=f"/mcp-servers/{server}/user-access").json()
        self.assertEqual(access["default_user_access"], "allow")
        check = plain(servers.user_access.check(mcp_server_id=server))
        self.assertTrue(check["has_access"])
        servers.test(mcp_server_id=server)
        found = [{"type": "tool", "name": "found"}]
        servers.capabilities.sync(mcp_server_id=server, capabilities=found)
        self.assertIn("found", self.ids(servers.capabilities.list(mcp_server_id=server), "name"))
        servers.metadata.sync(mcp_server_id=server, title="T")
        metadata = plain(servers.metadata.retrieve(mcp_server_id=server))
        self.assertEqual((metadata["title"], metadata["server_version"]), ("T", "2"))
        servers.update_tokens(mcp_server_id=server, access_token="a-token-that-nobody-sees")
        tokens = plain(servers.get_tokens(mcp_server_id=server))
        self.assertEqual(tokens["access_token"], "a-*****ees")
        servers.delete_tokens(mcp_server_id=server)
        self.assertIsNone(plain(servers.get_tokens(mcp_server_id=server))["access_token"])
        self.assertTrue(plain(servers.get_client_info(mcp_server_id=server))["client_id"])
        servers.delete(mcp_server_id=server)
        self.gone(lambda: servers.retrieve(mcp_server_id=server))
        api.delete(mcp_integration_id=one)
        self.gone(lambda: api.retrieve(mcp_integration_id=one))


class Analytics(Contract):
    def test_reads(self):
        when = {
            "time_of_generation_min": "2026-01-01T00:00:00Z",
            "time_of_generation_max": "2999-01-02T00:00:00Z",
        }
        self.client.logs.create(
            request={"url": "https://example.com/v1", "provider": "openai", "body": {"model": "gpt-4o"}},
            response={"status": 200, "body": {}},
            metadata={"_user": "ada", "team": "x"},
        )
        api = self.client.analytics
        graphs = [name for name in dir(api.graphs) if name[0] != "_" and name not in dir(APIResource)]
        self.assertEqual(len(graphs), 17, graphs)
        for name in graphs:
            self.assertIn("data_points", plain(getattr(api.graphs, name)(**when)), name)
        self.assertIn("summary", plain(api.summary.cache(**when)))
        for groups in (
            api.groups.users(**when),
            api.groups.ai_models(**when),
            api.groups.workspaces(**when),
            api.groups.metadata(metadata_key="team", **when),
        ):
            self.assertGreaterEqual(plain(groups)["total"], 1)
        for by in ("ai_service", "model", "status_code", "workspace", "provider"):
            first = plain(api.groups.group_by(group_by=by, **when))["data"][0]
            self.assertTrue(first[by], by)
        for by in ("api_key", "config", "prompt"):
            self.assertIn("data", plain(api.groups.group_by(group_by=by, **when)), by)


class Missing(Contract):
    """What is not there is refused in the SDK's own errors, whatever is asked of it."""

    def test_what_is_not_there(self):
        nothing = "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11"
        client, where = self.client, {"workspace_id": self.workspace}
        checks = [{"id": "default.jwt", "parameters": {}}]
        workspace = {"workspace_id": nothing}
        for api, key, more, update in (
            (client.admin.users, "user_id", {}, {"role": "admin"}),
            (client.admin.users.invites, "invite_id", {}, None),
            (client.admin.workspaces, "workspace_id", {}, {"name": "n"}),
            (client.admin.workspaces.users, "user_id", where, {"role": "member"}),
            (client.api_keys, "id", {}, {"name": "n"}),
            (client.configs, "slug", {}, {"name": "n"}),
            (client.virtual_keys, "slug", {}, {"name": "n"}),
            (client.providers, "slug", where, {"name": "n"}),
            (client.integrations, "slug", {}, {"name": "n"}),
            (client.guardrails, "guardrail_id", {}, {"name": "n", "checks": checks, "actions": {}}),
            (client.labels, "label_id", {}, {"name": "n"}),
            (client.collections, "collection_id", {}, {"name": "n"}),
            (client.prompts, "prompt_slug", {}, {"name": "n"}),
            (client.prompts.partials, "partial_slug", {}, {"name": "n"}),
            (client.mcp_integrations, "mcp_integration_id", {}, {"name": "n"}),
            (client.mcp_servers, "mcp_server_id", {}, {"name": "n"}),
        ):
            with self.subTest(type(api).__name__):
                named = {key: nothing, **more}
                deleted = {**named, "name": "n"} if api is client.admin.workspaces else named
                self.gone(lambda: api.retrieve(**named), 403, 404)
                if update is not None:
                    self.gone(lambda: api.update(**named, **update), 403, 404)
                self.gone(lambda: api.delete(**deleted), 403, 404)
        for call in (
            lambda: client.admin.users.invites.resend(invite_id=nothing),
            lambda: client.admin.workspaces.users.list(**workspace),
            lambda: client.admin.workspaces.users.create(users=[], **workspace),
            lambda: client.integrations.models.list(slug=nothing),
            lambda: client.integrations.workspaces.list(slug=nothing),
            lambda: client.prompts.publish(prompt_slug=nothing, version=1),
            lambda: client.prompts.render(prompt_id=nothing, variables={}),
            lambda: client.prompts.versions.list(prompt_slug=nothing),
            lambda: client.prompts.partials.publish(partial_slug=nothing, version=1),
            lambda: client.logs.exports.retrieve(export_id=nothing),
            lambda: client.logs.exports.start(export_id=nothing),
            lambda: client.logs.exports.download(export_id=nothing),
            lambda: client.feedback.update(feedback_id=nothing, value=1),
            lambda: client.mcp_servers.get_tokens(mcp_server_id=nothing),
        ):
            self.gone(call, 403, 404)

    def test_what_is_wrong(self):
        client = self.client
        self.gone(lambda: client.admin.workspaces.users.create(workspace_id=self.workspace, users=[{"role": "x"}]), 400)
        self.gone(lambda: client.admin.users.invites.create(email="nobody", role="member", workspaces=[]), 400)
        self.gone(lambda: client.configs.create(name=5, config={}), 400)
        self.gone(lambda: client.integrations.create(name="n", ai_provider_id="openai", slug="no slug"), 400)
        self.gone(lambda: client.guardrails.create(name="n", checks=[], actions={}, workspace_id=self.workspace), 400)
        self.gone(lambda: client.labels.create(name="latest", workspace_id=self.workspace), 400)
        self.gone(lambda: client.mcp_integrations.create(name="m", url="u", auth_type="?", transport="http"), 400)
        slug = self.integration()
        self.gone(lambda: client.integrations.create(name="n", ai_provider_id="openai", slug=slug), 409)
        self.gone(lambda: client.providers.create(name="p", integration_id=slug, workspace_id=self.workspace), 403)


if __name__ == "__main__":
    unittest.main()
