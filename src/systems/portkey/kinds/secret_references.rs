//! Secret references: pointers to credentials in an external secret manager.
//!
//! Sources: the API's document for paths, fields and the nine forms of `auth_config`. That secrets
//! come back under names that begin with `masked_`, that an update merges `auth_config`, that
//! `allowed_workspaces` is never returned and cannot be empty was observed by the official
//! Terraform provider.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::super::forms::{Context, Form, Mode, Modes};
use super::super::spec::NotNull;
use super::super::wire;
use crate::kind::{Detail, Endpoints, Identity, Is, Kind, List, Paging, Problems, Rule, Update};
use crate::model::{Attribute, Map, Pointer, Value};

/// A pointer to a credential in an external secret manager. Gateways fetch the credential when they
/// need it; neither the repository nor the control plane holds it. The key is the slug.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretReferenceSpec {
    /// The name that people see; the entry's key if left out.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    pub name: NotNull<String>,
    /// What the credential is for.
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// Which secret manager holds the credential. Cannot be changed.
    pub manager_type: ManagerType,
    /// How the gateway authenticates with the secret manager. Members that are left out are not
    /// managed.
    pub auth_config: AuthConfig,
    /// Where in the secret manager the credential is: a name, ARN or path.
    #[schemars(length(min = 1, max = 1024))]
    pub secret_path: String,
    /// Which member to take where the secret has several.
    #[schemars(length(min = 1, max = 255))]
    pub secret_key: Option<String>,
    /// Whether every workspace may use it. The server starts from true, and turns it to false when
    /// it is given `allowed_workspaces`.
    #[serde(default)]
    pub allow_all_workspaces: NotNull<bool>,
    /// The workspaces that may use it, by key; at least one. The API never returns this list, so
    /// that changes made elsewhere cannot be seen. To lift the restriction, replace it with
    /// `allow_all_workspaces: true`.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub allowed_workspaces: NotNull<Vec<String>>,
    /// Labels of your own; texts by name. Compared as a whole.
    pub tags: Option<IndexMap<String, String>>,
}

/// A secret manager.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum ManagerType {
    /// AWS Secrets Manager.
    AwsSm,
    /// Azure Key Vault.
    AzureKv,
    /// HashiCorp Vault.
    HashicorpVault,
}

/// How the gateway authenticates with a secret manager. Which fields belong together is decided by
/// `manager_type` and by `aws_auth_type`, `azure_auth_mode` or `vault_auth_type`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AuthConfig {
    /// For `aws_sm`: `accessKey`, `assumedRole` or `serviceRole`.
    #[serde(default)]
    pub aws_auth_type: NotNull<String>,
    /// For `accessKey`: the id of the key. A secret.
    #[serde(default)]
    pub aws_access_key_id: NotNull<String>,
    /// For `accessKey`: the key. A secret.
    #[serde(default)]
    pub aws_secret_access_key: NotNull<String>,
    /// For `assumedRole`: the ARN of the role.
    #[serde(default)]
    pub aws_role_arn: NotNull<String>,
    /// For `assumedRole`: the external id that the role asks for.
    pub aws_external_id: Option<String>,
    /// The AWS region; optional with `serviceRole`.
    #[serde(default)]
    pub aws_region: NotNull<String>,
    /// For `azure_kv`: `entra`, `managed` or `default`.
    #[serde(default)]
    pub azure_auth_mode: NotNull<String>,
    /// The URL of the vault.
    #[serde(default)]
    pub azure_vault_url: NotNull<String>,
    /// For `entra`: the tenant.
    #[serde(default)]
    pub azure_entra_tenant_id: NotNull<String>,
    /// For `entra`: the application.
    #[serde(default)]
    pub azure_entra_client_id: NotNull<String>,
    /// For `entra`: the application's secret. A secret.
    #[serde(default)]
    pub azure_entra_client_secret: NotNull<String>,
    /// For `managed`: the managed identity, where there are several.
    pub azure_managed_client_id: Option<String>,
    /// For `hashicorp_vault`: `token`, `approle` or `kubernetes`.
    #[serde(default)]
    pub vault_auth_type: NotNull<String>,
    /// The address of the Vault server.
    #[serde(default)]
    pub vault_addr: NotNull<String>,
    /// The Vault namespace.
    pub vault_namespace: Option<String>,
    /// For `token`: the token. A secret.
    #[serde(default)]
    pub vault_token: NotNull<String>,
    /// For `approle`: the role.
    #[serde(default)]
    pub vault_role_id: NotNull<String>,
    /// For `approle`: the secret id. A secret.
    #[serde(default)]
    pub vault_secret_id: NotNull<String>,
    /// For `kubernetes`: the role.
    #[serde(default)]
    pub vault_role: NotNull<String>,
}

const SECRETS: &[&str] = &[
    "aws_access_key_id",
    "aws_secret_access_key",
    "azure_entra_client_secret",
    "vault_token",
    "vault_secret_id",
];

/// The fields of `auth_config` by `manager_type`.
static FORMS: &[(&str, Form)] = &[
    (
        "aws_sm",
        Form {
            required: &[],
            optional: &[],
            modes: Some(&Modes {
                field: "aws_auth_type",
                modes: &[
                    Mode {
                        name: "accessKey",
                        required: &["aws_access_key_id", "aws_secret_access_key", "aws_region"],
                        optional: &[],
                    },
                    Mode {
                        name: "assumedRole",
                        required: &["aws_role_arn", "aws_region"],
                        optional: &["aws_external_id"],
                    },
                    Mode {
                        name: "serviceRole",
                        required: &[],
                        optional: &["aws_region"],
                    },
                ],
            }),
        },
    ),
    (
        "azure_kv",
        Form {
            required: &["azure_vault_url"],
            optional: &[],
            modes: Some(&Modes {
                field: "azure_auth_mode",
                modes: &[
                    Mode {
                        name: "entra",
                        required: &[
                            "azure_entra_tenant_id",
                            "azure_entra_client_id",
                            "azure_entra_client_secret",
                        ],
                        optional: &[],
                    },
                    Mode {
                        name: "managed",
                        required: &[],
                        optional: &["azure_managed_client_id"],
                    },
                    Mode {
                        name: "default",
                        required: &[],
                        optional: &[],
                    },
                ],
            }),
        },
    ),
    (
        "hashicorp_vault",
        Form {
            required: &["vault_addr"],
            optional: &["vault_namespace"],
            modes: Some(&Modes {
                field: "vault_auth_type",
                modes: &[
                    Mode {
                        name: "token",
                        required: &["vault_token"],
                        optional: &[],
                    },
                    Mode {
                        name: "approle",
                        required: &["vault_role_id", "vault_secret_id"],
                        optional: &[],
                    },
                    Mode {
                        name: "kubernetes",
                        required: &["vault_role"],
                        optional: &[],
                    },
                ],
            }),
        },
    ),
];

/// The kind as data.
pub static KIND: Kind = Kind {
    system: "portkey",
    name: "secret_references",
    noun: "secret reference",
    schema: |generator| generator.subschema_for::<SecretReferenceSpec>(),
    identity: Identity::Slug,
    scope: &[],
    endpoints: Endpoints {
        list: List {
            path: "/secret-references",
            items: "data",
            paging: Paging::CurrentPage { size: 100 },
            ..List::NONE
        },
        create: "/secret-references",
        item: "/secret-references/{slug}",
        detail: Detail::Read,
        update: Update::PUT,
        ..Endpoints::PLAIN
    },
    rules: &[
        Rule::new("/manager_type", Is::Immutable),
        // The document of the API: an update merges each field.
        Rule::new("/auth_config", Is::Patch),
        Rule::new("/auth_config/aws_access_key_id", Is::Secret),
        Rule::new("/auth_config/aws_secret_access_key", Is::Secret),
        Rule::new("/auth_config/azure_entra_client_secret", Is::Secret),
        Rule::new("/auth_config/vault_token", Is::Secret),
        Rule::new("/auth_config/vault_secret_id", Is::Secret),
        Rule::new("/allowed_workspaces", Is::Set),
        Rule::new("/allowed_workspaces", Is::WriteOnly),
        Rule::new(
            "/allowed_workspaces/*",
            Is::Reference {
                kind: "workspaces",
                attribute: Attribute::Id,
            },
        ),
    ],
    parts: &[],
    check: Some(check),
    decode: Some(decode),
    encode: None,
};

fn check(entry: &Map, problems: &mut Problems) {
    let root = Pointer::root();
    let manager = entry.get("manager_type").and_then(Value::as_str);
    let form = manager.and_then(|manager| FORMS.iter().find(|(name, _)| *name == manager));
    if let (Some((manager, form)), Some(auth)) =
        (form, entry.get("auth_config").and_then(Value::as_map))
    {
        let hint = |field: &str| {
            let other = FORMS.iter().find(|(_, form)| form.knows(field))?;
            Some(format!("it is a field of `{}`", other.0))
        };
        let context = Context {
            what: &format!("`auth_config` of `{manager}`"),
            secrets: SECRETS,
            supplied: &|_| false,
            hint: &hint,
        };
        form.check(auth, &root.child("auth_config"), &context, false, problems);
    }
    let all = entry.get("allow_all_workspaces").and_then(Value::as_bool);
    if all == Some(true) && wire::has(entry, "allowed_workspaces") {
        problems
            .error(
                "conflicting-fields",
                &root.child("allowed_workspaces"),
                "`allowed_workspaces` and `allow_all_workspaces: true` exclude each other",
            )
            .help("leave one of them out");
    }
}

fn decode(live: &mut Map) {
    wire::read_flags(live, &["allow_all_workspaces"]);
    if let Some(Value::Map(auth)) = live.get_mut("auth_config") {
        wire::unmask(auth);
        wire::drop_nulls(auth);
    }
    wire::drop_empty(live, &["description", "secret_key", "tags"]);
}

#[cfg(test)]
mod tests {
    use super::super::super::spec::testing::{accepts, decoded, problems};
    use super::*;
    use serde_json::{Value as Json, json};

    fn entry(manager: &str, auth: Json) -> Json {
        json!({ "manager_type": manager, "auth_config": auth, "secret_path": "a/b" })
    }

    #[test]
    fn the_nine_forms_are_accepted_without_a_word() {
        let forms = [
            (
                "aws_sm",
                json!({ "aws_auth_type": "accessKey", "aws_access_key_id": "x",
                               "aws_secret_access_key": "y", "aws_region": "z" }),
            ),
            (
                "aws_sm",
                json!({ "aws_auth_type": "assumedRole", "aws_role_arn": "x",
                               "aws_external_id": "e", "aws_region": "z" }),
            ),
            ("aws_sm", json!({ "aws_auth_type": "serviceRole" })),
            (
                "azure_kv",
                json!({ "azure_auth_mode": "entra", "azure_vault_url": "https://v",
                                 "azure_entra_tenant_id": "t", "azure_entra_client_id": "c",
                                 "azure_entra_client_secret": "s" }),
            ),
            (
                "azure_kv",
                json!({ "azure_auth_mode": "managed", "azure_vault_url": "https://v",
                                 "azure_managed_client_id": "m" }),
            ),
            (
                "azure_kv",
                json!({ "azure_auth_mode": "default", "azure_vault_url": "https://v" }),
            ),
            (
                "hashicorp_vault",
                json!({ "vault_auth_type": "token", "vault_addr": "https://v",
                                        "vault_token": "t", "vault_namespace": "n" }),
            ),
            (
                "hashicorp_vault",
                json!({ "vault_auth_type": "approle", "vault_addr": "https://v",
                                        "vault_role_id": "r", "vault_secret_id": "s" }),
            ),
            (
                "hashicorp_vault",
                json!({ "vault_auth_type": "kubernetes",
                                        "vault_addr": "https://v", "vault_role": "r" }),
            ),
        ];
        for (manager, auth) in forms {
            let entry = entry(manager, auth);
            assert!(accepts::<SecretReferenceSpec>(&KIND, &entry), "{entry}");
            assert_eq!(problems(&KIND, entry), Vec::<String>::new());
        }
    }

    #[test]
    fn the_schema_refuses_what_cannot_be_cleared_or_is_missing() {
        let auth = json!({ "aws_auth_type": "serviceRole" });
        let bad = [
            json!({ "manager_type": "aws_sm", "auth_config": auth }),
            json!({ "manager_type": "gcp_sm", "auth_config": auth, "secret_path": "x" }),
            json!({ "manager_type": "aws_sm", "auth_config": null, "secret_path": "x" }),
            json!({ "manager_type": "aws_sm", "auth_config": auth, "secret_path": "x",
                    "allowed_workspaces": [] }),
            json!({ "manager_type": "aws_sm", "auth_config": auth, "secret_path": "x",
                    "allow_all_workspaces": null }),
        ];
        for entry in &bad {
            assert!(!accepts::<SecretReferenceSpec>(&KIND, entry), "{entry}");
        }
    }

    #[test]
    fn what_does_not_fit_the_form_is_pointed_out() {
        let table = [
            (
                entry(
                    "aws_sm",
                    json!({ "aws_auth_type": "accessKey", "aws_region": "z",
                                        "aws_access_key_id": "x" }),
                ),
                "warning /auth_config missing-secret: `auth_config` of `aws_sm` with \
                 `aws_auth_type: accessKey` needs `aws_secret_access_key` (it can be left out \
                 only while the object exists already)",
            ),
            (
                entry(
                    "aws_sm",
                    json!({ "aws_auth_type": "assumeRole", "aws_region": "z" }),
                ),
                "error /auth_config/aws_auth_type unknown-value: `assumeRole` is no \
                 `aws_auth_type` of `auth_config` of `aws_sm` (did you mean `assumedRole`?)",
            ),
            (
                entry(
                    "aws_sm",
                    json!({ "aws_auth_type": "serviceRole", "vault_addr": "x" }),
                ),
                "error /auth_config/vault_addr unknown-field: `vault_addr` is not a field of \
                 `auth_config` of `aws_sm` (it is a field of `hashicorp_vault`)",
            ),
            (
                entry("azure_kv", json!({ "azure_vault_url": "https://v" })),
                "error /auth_config missing-field: `auth_config` of `azure_kv` needs \
                 `azure_auth_mode` (expected one of `entra`, `managed`, `default`)",
            ),
            (
                entry(
                    "azure_kv",
                    json!({ "azure_vault_url": "https://v",
                                          "azure_auth_mode": "default",
                                          "azure_managed_client_id": "m" }),
                ),
                "warning /auth_config/azure_managed_client_id unused-field: \
                 `azure_managed_client_id` means nothing with `azure_auth_mode: default`",
            ),
            (
                entry(
                    "hashicorp_vault",
                    json!({ "vault_auth_type": "kubernetes",
                                                 "vault_adr": "x", "vault_role": "r" }),
                ),
                "error /auth_config/vault_adr unknown-field: `vault_adr` is not a field of \
                 `auth_config` of `hashicorp_vault` (did you mean `vault_addr`?)",
            ),
        ];
        for (entry, expected) in table {
            assert_eq!(problems(&KIND, entry), [expected]);
        }
    }

    #[test]
    fn masks_read_as_the_fields_that_they_hide() {
        let live = json!({
            "slug": "s", "manager_type": "hashicorp_vault", "allow_all_workspaces": 1, "tags": {},
            "auth_config": { "vault_auth_type": "token", "masked_vault_token": "hv*****9",
                             "vault_namespace": null },
            "secret_key": null,
        });
        assert_eq!(
            decoded(&KIND, live),
            json!({
                "slug": "s", "manager_type": "hashicorp_vault", "allow_all_workspaces": true,
                "auth_config": { "vault_auth_type": "token", "vault_token": "hv*****9" },
            })
        );
    }
}
