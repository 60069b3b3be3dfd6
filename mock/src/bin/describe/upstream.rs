//! The documents that vendors publish, and into which areas each is split.

/// The name of an area, or of the common document.
pub(crate) type Area = &'static str;

/// A document of a vendor.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// The folder of `api/` that is derived from it.
    pub(crate) name: &'static str,
    /// What the derived documents are called.
    pub(crate) title: &'static str,
    /// What the derived documents say that they come from.
    pub(crate) source: &'static str,
    /// Which area a path belongs to: the longest of these beginnings decides.
    areas: &'static [(&'static str, Area)],
}

/// All of them; the first is meant where none is named.
pub(crate) const UPSTREAMS: [Upstream; 3] = [
    Upstream {
        name: "portkey",
        title: "Portkey API",
        source: "the vendor's published OpenAPI document",
        areas: &PORTKEY,
    },
    Upstream {
        name: "arize",
        title: "Arize API",
        source: "the interface of the vendor's Python client 8.61.0, as an OpenAPI document,",
        areas: &ARIZE,
    },
    Upstream {
        name: "arize-2026-07-02",
        title: "Arize API",
        source: "the interface of the vendor's Python client of 2026-07-02, as an OpenAPI document,",
        areas: &ARIZE,
    },
];

impl Upstream {
    /// The area of a path.
    pub(crate) fn area_of(&self, path: &str) -> Option<Area> {
        let fits = |beginning: &str| {
            path.strip_prefix(beginning)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        self.areas
            .iter()
            .filter(|(beginning, _)| fits(beginning))
            .max_by_key(|(beginning, _)| beginning.len())
            .map(|(_, area)| *area)
    }
}

const PORTKEY: [(&str, Area); 37] = [
    ("/admin/users", "users"),
    ("/admin/workspaces", "workspaces"),
    ("/analytics", "analytics"),
    ("/api-keys", "api-keys"),
    ("/assistants", "assistants"),
    ("/audio", "audio"),
    ("/audit-logs", "logs"),
    ("/batches", "batches"),
    ("/chat", "chat"),
    ("/collections", "collections"),
    ("/completions", "completions"),
    ("/configs", "configs"),
    ("/embeddings", "embeddings"),
    ("/feedback", "feedback"),
    ("/files", "files"),
    ("/fine_tuning", "fine-tuning"),
    ("/guardrails", "guardrails"),
    ("/images", "images"),
    ("/integrations", "integrations"),
    ("/labels", "collections"),
    ("/logs", "logs"),
    ("/mcp-integrations", "mcp"),
    ("/mcp-servers", "mcp"),
    ("/model-configs", "model-pricing"),
    ("/models", "models"),
    ("/moderations", "moderations"),
    ("/policies", "policies"),
    ("/prompts", "prompts"),
    ("/providers", "providers"),
    ("/realtime", "realtime"),
    ("/rerank", "rerank"),
    ("/responses", "responses"),
    ("/scim", "scim"),
    ("/secret-references", "secret-references"),
    ("/threads", "threads"),
    ("/vector_stores", "vector-stores"),
    ("/virtual-keys", "providers"),
];

const ARIZE: [(&str, Area); 29] = [
    ("/v2/ai-integrations", "ai-integrations"),
    ("/v2/annotation-configs", "annotation-configs"),
    ("/v2/annotation-queues", "annotation-queues"),
    ("/v2/api-keys", "api-keys"),
    ("/v2/audit-logs", "audit-logs"),
    ("/v2/dashboards", "dashboards"),
    ("/v2/datasets", "datasets"),
    ("/v2/evaluator-templates", "evaluators"),
    ("/v2/evaluator-versions", "evaluators"),
    ("/v2/evaluators", "evaluators"),
    ("/v2/experiments", "experiments"),
    ("/v2/integrations", "integrations"),
    ("/v2/monitors", "monitors"),
    ("/v2/organizations", "organizations"),
    ("/v2/projects", "projects"),
    ("/v2/prompt-versions", "prompts"),
    ("/v2/prompts", "prompts"),
    ("/v2/resource-restrictions", "resource-restrictions"),
    ("/v2/role-bindings", "roles"),
    ("/v2/roles", "roles"),
    ("/v2/spaces", "spaces"),
    ("/v2/spans", "spans"),
    ("/v2/tags", "tags"),
    ("/v2/task-runs", "tasks"),
    ("/v2/tasks", "tasks"),
    ("/v2/traces", "spans"),
    ("/v2/users", "users"),
    ("/v2/webhook-subscriptions", "webhooks"),
    ("/v2/webhooks", "webhooks"),
];
