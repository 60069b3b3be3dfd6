// The official Node SDK against the mock: every admin resource that it covers, from creation to deletion.

import assert from "node:assert/strict";
import { before, test } from "node:test";
import sdk from "portkey-ai";

const { Portkey } = sdk.Portkey ? sdk : { Portkey: sdk.default };
const baseURL = `${process.env.MOCK_URL}/v1`;
const client = new Portkey({ apiKey: "mock-admin-key", baseURL });
const unique = (prefix) => `${prefix}-${process.hrtime.bigint()}`;
const refused = (call, status) => assert.rejects(call, (error) => (assert.equal(error.status, status), true));
const ids = (list, field = "id") => list.data.map((item) => item[field]);

let workspace;
const name = unique("Node");
before(async () => {
  workspace = (await client.admin.workspaces.create({ name })).id;
});

async function integration() {
  const slug = unique("i");
  await client.integrations.create({ name: slug, slug, ai_provider_id: "openai", key: "sk-some-long-secret" });
  return slug;
}

test("workspaces and members", async () => {
  const api = client.admin.workspaces;
  const name = unique("Life");
  const { id } = await api.create({ name, description: "d" });
  assert.equal((await api.retrieve({ workspaceId: id })).name, name);
  assert.ok(ids(await api.list({ pageSize: "100" })).includes(id));
  await api.update({ workspaceId: id, description: "changed" });
  assert.equal((await api.retrieve({ workspaceId: id })).description, "changed");
  const user = (await client.admin.users.list({ role: "member" })).data[0].id;
  await api.users.create({ workspaceId: id, users: [{ id: user, role: "member" }] });
  await api.users.update({ workspaceId: id, userId: user, role: "manager" });
  assert.match((await api.users.retrieve({ workspaceId: id, userId: user })).role, /manager/);
  assert.ok(ids(await api.users.list({ workspaceId: id })).includes(user));
  await api.users.delete({ workspaceId: id, userId: user });
  await refused(api.delete({ workspaceId: id, name: "another" }), 400);
  await api.delete({ workspaceId: id, name });
  await refused(api.retrieve({ workspaceId: id }), 403);
});

test("users and invites", async () => {
  const users = client.admin.users;
  const user = (await users.list({ role: "member" })).data.at(-1);
  assert.equal((await users.retrieve({ userId: user.id })).email, user.email);
  await users.update({ userId: user.id, role: "admin" });
  await refused(users.update({ userId: user.id, role: "admin" }), 400);
  await users.update({ userId: user.id, role: "member" });
  const email = `${unique("a")}@example.com`;
  const invite = await users.invites.create({ email, role: "member", workspaces: [{ id: workspace, role: "member" }] });
  assert.equal((await users.invites.retrieve({ inviteId: invite.id })).email, email);
  assert.ok(ids(await users.invites.list({ status: "pending" })).includes(invite.id));
  await users.invites.resend({ inviteId: invite.id });
  await users.invites.delete({ inviteId: invite.id });
});

test("API keys", async () => {
  const api = client.apiKeys;
  const created = await api.create({
    type: "workspace",
    "sub-type": "service",
    name: "k",
    workspace_id: workspace,
    scopes: ["logs.list"],
    usage_limits: { credit_limit: 10 },
  });
  assert.ok(created.key);
  assert.equal((await api.retrieve({ id: created.id })).name, "k");
  assert.ok(ids(await api.list({ workspace_id: workspace })).includes(created.id));
  await api.update({ id: created.id, name: "l" });
  assert.equal((await api.retrieve({ id: created.id })).name, "l");
  const own = new Portkey({ apiKey: created.key, baseURL });
  await refused(own.admin.workspaces.create({ name: "x" }), 403);
  await api.delete({ id: created.id });
  await refused(own.configs.list(), 401);
  await refused(api.retrieve({ id: created.id }), 404);
});

test("configs", async () => {
  const api = client.configs;
  await api.create({ name: unique("c"), config: { retry: { attempts: 3 } }, isDefault: 0, workspace_id: workspace });
  const slug = (await api.list({ workspace_id: workspace })).data[0].slug;
  assert.match(JSON.stringify(await api.retrieve({ slug })), /attempts/);
  await api.update({ slug, name: "d", config: { cache: { mode: "simple" } } });
  assert.match(JSON.stringify(await api.retrieve({ slug })), /simple/);
  await api.delete({ slug });
  await refused(api.retrieve({ slug }), 404);
});

test("virtual keys", async () => {
  const api = client.virtualKeys;
  const created = await api.create({
    name: "v",
    provider: "azure-openai",
    key: "sk-abc-def",
    apiVersion: "2024-10-21",
    resourceName: "r",
    deploymentName: "d",
    workspace_id: workspace,
  });
  const slug = created.slug ?? created.data.slug;
  assert.equal((await api.retrieve({ slug })).name, "v");
  assert.ok(ids(await api.list({ workspace_id: workspace }), "slug").includes(slug));
  await api.update({ slug, note: "m" });
  assert.equal((await api.retrieve({ slug })).note, "m");
  await api.delete({ slug });
  await refused(api.retrieve({ slug }), 404);
});

test("integrations, their grants and models, and providers", async () => {
  const slug = await integration();
  const api = client.integrations;
  const read = await api.retrieve({ slug });
  assert.equal(read.ai_provider_id, "openai");
  assert.doesNotMatch(JSON.stringify(read), /sk-some-long-secret/);
  assert.ok(ids(await api.list({}), "slug").includes(slug));
  await api.update({ slug, name: "renamed" });
  await api.workspaces.update({ slug, workspaces: [{ id: workspace, enabled: true }] });
  assert.equal((await api.workspaces.list({ slug })).workspaces.length, 1);
  await api.models.update({ slug, allow_all_models: false, models: [{ slug: "mine", enabled: true, is_custom: true }] });
  assert.ok((await api.models.list({ slug })).models.some((model) => model.slug === "mine"));
  await api.models.delete({ slug, slugs: "mine" });
  assert.ok(!(await api.models.list({ slug })).models.some((model) => model.slug === "mine"));

  const providers = client.providers;
  const provider = await providers.create({ name: "p", integration_id: slug, workspace_id: workspace });
  const where = { slug: provider.slug, workspace_id: workspace };
  assert.equal((await providers.retrieve(where)).name, "p");
  assert.ok(ids(await providers.list({ workspace_id: workspace }), "slug").includes(provider.slug));
  await providers.update({ ...where, name: "q" });
  assert.equal((await providers.retrieve(where)).name, "q");
  await providers.delete(where);
  await refused(providers.retrieve(where), 404);
  await api.delete({ slug });
  await refused(api.retrieve({ slug }), 404);
});

test("guardrails", async () => {
  const api = client.guardrails;
  const checks = [{ id: "default.contains", parameters: { operator: "none", words: ["x"] } }];
  const feedback = { feedback: { value: 1, weight: 1, metadata: "" } };
  const actions = { deny: true, async: false, on_success: feedback, on_fail: feedback };
  const { id } = await api.create({ name: "g", checks, actions, workspace_id: workspace });
  assert.equal((await api.retrieve({ guardrail_id: id })).name, "g");
  assert.ok(ids(await api.list({ workspace_id: workspace })).includes(id));
  await api.update({ guardrail_id: id, name: "h", checks, actions });
  assert.equal((await api.retrieve({ guardrail_id: id })).name, "h");
  await api.delete({ guardrail_id: id });
  await refused(api.retrieve({ guardrail_id: id }), 403);
});

test("labels and collections", async () => {
  const label = (await client.labels.create({ name: unique("l"), workspace_id: workspace })).id;
  assert.ok(ids(await client.labels.list({ workspace_id: workspace })).includes(label));
  await client.labels.update(label, { name: "m" });
  assert.equal((await client.labels.retrieve(label)).name, "m");
  await client.labels.delete(label);
  await refused(client.labels.retrieve(label), 404);
  const collection = (await client.collections.create({ name: "c", workspace_id: workspace })).id;
  assert.ok(ids(await client.collections.list({ workspace_id: workspace })).includes(collection));
  await client.collections.update(collection, { name: "d" });
  assert.equal((await client.collections.retrieve(collection)).name, "d");
  await client.collections.delete(collection);
  await refused(client.collections.retrieve(collection), 404);
});

test("prompts and partials", async () => {
  const slug = await integration();
  await client.integrations.workspaces.update({ slug, workspaces: [{ id: workspace, enabled: true }] });
  const listed = await client.providers.list({ workspace_id: workspace });
  const collection_id = (await client.collections.create({ name: "c", workspace_id: workspace })).id;
  const version = {
    string: JSON.stringify([{ role: "user", content: "Hello {{name}}" }]),
    parameters: { temperature: 0 },
    model: "gpt-4o",
    virtual_key: listed.data[0].slug,
  };
  const api = client.prompts;
  const prompt = await api.create({ name: "p", collection_id, ...version });
  assert.equal((await api.retrieve(prompt.slug)).name, "p");
  assert.ok(ids(await api.list({ collection_id }), "slug").includes(prompt.slug));
  const rendered = await api.render({ promptID: prompt.slug, variables: { name: "World" } });
  assert.match(JSON.stringify(rendered), /Hello World/);
  await api.update(prompt.slug, { ...version, string: version.string.replace("Hello", "Bye") });
  assert.equal((await api.versions.list(prompt.slug)).data.length, 2);
  await api.publish(prompt.slug, { version: 2 });
  assert.match(JSON.stringify(await api.retrieve(prompt.slug)), /Bye/);
  await api.delete(prompt.slug);
  await refused(api.retrieve(prompt.slug), 404);

  const partials = client.prompts.partials;
  const partial = await partials.create({ name: "pa", string: "one", workspace_id: workspace });
  await partials.update(partial.slug, { string: "two", description: "second" });
  await partials.publish(partial.slug, { version: 2 });
  assert.equal((await partials.retrieve(partial.slug)).string, "two");
  assert.equal((await partials.versions.list(partial.slug)).data.length, 2);
  await partials.delete(partial.slug);
  await refused(partials.retrieve(partial.slug), 404);
});

test("logs, exports and feedback", async () => {
  const trace = unique("t");
  await client.logs.create({
    request: { url: "https://example.com/v1", method: "POST", body: { model: "gpt-4o" } },
    response: { status: 200, body: {} },
    metadata: { trace_id: trace },
  });
  const api = client.logs.exports;
  const exportId = (await api.create({ filters: {}, workspaceId: workspace, requestedData: ["id"] })).id;
  assert.equal((await api.retrieve({ exportId })).status, "draft");
  assert.ok(ids(await api.list({ workspaceId: workspace })).includes(exportId));
  await refused(api.download({ exportId }), 409);
  await api.start({ exportId });
  await api.cancel({ exportId });
  assert.equal((await api.retrieve({ exportId })).status, "stopped");
  const feedback = await client.feedback.create({ traceID: trace, value: 5 });
  assert.equal(feedback.feedback_ids.length, 1);
});

test("MCP integrations and servers", async () => {
  const api = client.mcpIntegrations;
  const { id } = await api.create({ name: "m", url: "https://mcp.example.com", auth_type: "none", transport: "http" });
  await api.update({ id, name: "n" });
  assert.equal((await api.retrieve({ id })).name, "n");
  assert.ok(ids(await api.list({})).includes(id));
  await api.workspaces.update({ id, workspaces: [{ id: workspace, enabled: true }] });
  await api.workspaces.list({ id });
  const [{ type, name }] = (await api.capabilities.list({ id })).data;
  await api.capabilities.update({ id, capabilities: [{ type, name, enabled: false }] });
  const servers = client.mcpServers;
  const server = (await servers.create({ name: "s", mcp_integration_id: id, workspace_id: workspace })).id;
  await servers.update({ id: server, name: "t" });
  assert.equal((await servers.retrieve({ id: server })).name, "t");
  assert.equal((await servers.userAccess.list({ id: server })).default_user_access, "allow");
  await servers.connections.list({ id: server });
  await servers.test({ id: server });
  assert.equal((await servers.userAccess.check({ id: server })).has_access, true);
  await servers.capabilities.sync({ id: server, capabilities: [{ type: "tool", name: "found" }] });
  assert.ok(ids(await servers.capabilities.list({ id: server }), "name").includes("found"));
  await servers.metadata.sync({ id: server, title: "T" });
  assert.equal((await servers.metadata.get({ id: server })).title, "T");
  await servers.setTokens({ id: server, access_token: "a-token-that-nobody-sees" });
  assert.equal((await servers.getTokens({ id: server })).access_token, "a-*****ees");
  await servers.deleteTokens({ id: server });
  assert.ok((await servers.getClientInfo({ id: server })).client_id);
  await servers.delete({ id: server });
  await refused(servers.retrieve({ id: server }), 404);
  await api.delete({ id });
  await refused(api.retrieve({ id }), 404);
});

test("analytics", async () => {
  const query = { time_of_generation_min: "2026-01-01T00:00:00Z", time_of_generation_max: "2026-01-02T00:00:00Z" };
  assert.ok("data_points" in (await client.analytics.graphs.requests(query)));
  assert.ok("data" in (await client.analytics.groups.users(query)));
  assert.ok("data" in (await client.analytics.groups.workspaces(query)));
});

test("what is not there", async () => {
  const nothing = "7b1f5a52-6f0e-4c7e-9d43-0d3cbb0c9d11";
  const missing = (call) => assert.rejects(call, (error) => [403, 404].includes(error.status));
  const { admin, prompts } = client;
  for (const [api, key] of [
    [admin.users, "userId"],
    [admin.workspaces, "workspaceId"],
    [client.apiKeys, "id"],
    [client.configs, "slug"],
    [client.virtualKeys, "slug"],
    [client.providers, "slug"],
    [client.integrations, "slug"],
    [client.mcpIntegrations, "id"],
    [client.mcpServers, "id"],
  ]) {
    const named = { [key]: nothing };
    await missing(api.retrieve(named));
    await missing(api.update({ ...named, ...(api === admin.users ? { role: "admin" } : { name: "n" }) }));
    await missing(api.delete({ ...named, name: "n" }));
  }
  for (const api of [client.labels, client.collections, prompts, prompts.partials]) {
    await missing(api.retrieve(nothing));
    await missing(api.update(nothing, { name: "n" }));
    await missing(api.delete(nothing));
  }
  await missing(client.guardrails.delete({ guardrail_id: nothing }));
  await missing(admin.users.invites.delete({ inviteId: nothing }));
  await missing(client.logs.exports.retrieve({ exportId: nothing }));
});

test("without a key", async () => {
  await refused(new Portkey({ apiKey: "nobody", baseURL }).configs.list(), 401);
});
