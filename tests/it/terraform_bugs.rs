//! The bugs of the official Terraform provider for Portkey (0.2.28), those that are open and those
//! that its users have met, and the tests that show gatewright without each of them.

use serde_json::{Value, json};

use crate::support::{Fate, Project, Proxy, Server, assert_tests_exist, text};

/// What goes wrong there, and the tests that would fail if it went wrong here.
const BUGS: &[(&str, &[&str])] = &[
    (
        "removing a description, note, metadata or threshold never reaches the server",
        &[
            "laws/states.rs every_field_that_can_be_null_is_left_alone_cleared_and_set",
            "states.rs of_workspaces",
            "states.rs of_policies",
        ],
    ),
    (
        "a base URL that ends in a slash makes paths with two",
        &["gone.rs a_base_url_may_end_in_a_slash"],
    ),
    (
        "limits of a workspace's access cannot be cleared, neither by leaving them out nor by `[]`",
        &["terraform_bugs.rs limits_of_a_grant_are_cleared_by_null_and_by_an_empty_list"],
    ),
    (
        "another `is_default` of a config is never sent",
        &["terraform_bugs.rs what_a_config_cannot_change_is_not_swallowed"],
    ),
    (
        "a policy without a name fails once it is made",
        &["terraform_bugs.rs a_policy_needs_no_name_and_no_form_of_its_conditions"],
    ),
    (
        "conditions that are spelt in another way fail once the policy is made",
        &["terraform_bugs.rs a_policy_needs_no_name_and_no_form_of_its_conditions"],
    ),
    (
        "the name of a check is dropped, and defaults that the server adds are fatal",
        &["terraform_bugs.rs names_of_checks_are_kept_and_what_the_server_adds_is_no_change"],
    ),
    (
        "a key's rotation policy and expiry cannot be cleared",
        &["states.rs of_api_keys"],
    ),
    (
        "every 403 means deleted, so that a key that loses a scope makes everything anew",
        &["terraform_bugs.rs a_key_that_may_no_longer_list_makes_nothing_anew"],
    ),
    (
        "objects that somebody else deleted make every plan fail",
        &[
            "main_job.rs what_somebody_else_deleted_is_drift_and_is_made_again",
            "laws/gone.rs what_somebody_deletes_is_said_and_made_again",
            "gone.rs what_somebody_takes_out_of_an_object_is_drift_and_comes_back",
        ],
    ),
    (
        "to delete what is gone already is an error",
        &[
            "gone.rs what_is_gone_needs_no_deletion",
            "gone.rs what_goes_between_the_plan_and_its_deletion_is_deleted",
        ],
    ),
    (
        "`404` anywhere in the text of an error means deleted",
        &["terraform_bugs.rs an_error_that_speaks_of_404_is_no_absence"],
    ),
    (
        "a changed invite is planned and can never be applied",
        &["people.rs an_invite_is_sent_once_and_again_where_it_changes_or_is_gone"],
    ),
    (
        "a creation that is tried again makes a second object",
        &[
            "faults.rs a_creation_whose_answer_is_lost_makes_one_object_and_the_apply_goes_on",
            "faults.rs a_creation_that_is_done_and_answered_with_an_error_makes_one_object",
        ],
    ),
    (
        "of many lists only the first page is read",
        &["paging.rs plan_finds_everything_on_later_pages"],
    ),
    (
        "changes made elsewhere are hidden, of immutable fields and of secrets above all",
        &[
            "main_job.rs what_somebody_else_changes_is_named_with_old_and_new",
            "laws/fields.rs what_somebody_makes_of_any_field_is_said_and_set_back",
            "secrets.rs a_changed_secret_is_seen_applied_and_not_shown",
            "prompts.rs what_somebody_publishes_in_the_console_is_drift",
        ],
    ),
    (
        "the state has every secret in it",
        &[
            "canary.rs no_command_says_any_of_them",
            "ownership.rs the_ledger_has_ids_and_fingerprints_and_belongs_to_one_server",
        ],
    ),
    (
        "access is written one workspace at a time, and such writes race",
        &["terraform_bugs.rs all_access_of_an_integration_is_one_request"],
    ),
    (
        "every SCIM mapping reads the whole list, and every object is read by itself",
        &[
            "organisation/mod.rs a_plan_of_403_objects_reads_lists_and_then_only_what_changed",
            "requests.rs the_example_costs_exactly_this",
        ],
    ),
    (
        "models with a slash, and a key that allows no other config, cannot be imported",
        &["terraform_bugs.rs slashes_and_a_no_survive_an_import"],
    ),
    (
        "secrets of references, and which workspaces may use them, are never looked at again",
        &[
            "secrets.rs a_changed_secret_is_seen_applied_and_not_shown",
            "laws/mod.rs any_edit_of_any_field_is_applied_and_then_there_is_nothing_to_do",
        ],
    ),
    (
        "secrets are sent again with every update",
        &["terraform_bugs.rs a_secret_is_not_sent_along_with_other_changes"],
    ),
    (
        "an object that is made and cannot be read is lost",
        &[
            "faults.rs a_crash_at_any_creation_is_repaired_by_the_next_run",
            "gone.rs an_object_that_is_made_and_cannot_be_read_is_known",
        ],
    ),
    (
        "the examples of the documentation do not work",
        &[
            "readme.rs the_main_job_of_the_readme_works_as_it_stands_there",
            "examples.rs it_applies_to_the_embedded_mock_without_any_variable",
        ],
    ),
];

/// What went wrong there in earlier releases, found by the people who used them.
const FIXED: &[(&str, &[&str])] = &[
    (
        "an answer with a UUID where a slug was written makes everything anew at each apply",
        &["outside.rs a_workspace_that_is_managed_elsewhere_is_its_id_everywhere"],
    ),
    (
        "what the server writes in another way, or shows late, fails the apply",
        &[
            "lag.rs an_apply_against_a_server_that_lags_behind_converges_and_makes_nothing_twice",
            "faults.rs a_server_that_ignores_what_is_written_is_noticed",
        ],
    ),
    (
        "limits that were just written are read as they were before",
        &["lag.rs changes_and_deletions_too"],
    ),
    (
        "limits cannot be cleared",
        &[
            "states.rs of_workspaces",
            "states.rs of_providers",
            "states.rs of_api_keys",
        ],
    ),
    (
        "a workspace cannot be deleted before everything in it is deleted by hand",
        &["workspaces.rs a_workspace_goes_with_everything_inside_in_one_apply"],
    ),
    (
        "a workspace that somebody deleted blocks every plan: the API answers 403",
        &["laws/gone.rs what_somebody_deletes_is_said_and_made_again"],
    ),
    (
        "of users and of SCIM mappings only the first page is there",
        &["paging.rs pages_of_one_object_show_everything_of_every_kind"],
    ),
    (
        "flags that are numbers or texts break the reading of models",
        &["src/systems/portkey/kinds/integrations/models.rs flags_of_any_spelling_are_read"],
    ),
    (
        "access is not found after it was given, because it has the workspace's slug",
        &["outside.rs a_workspace_that_is_managed_elsewhere_is_its_id_everywhere"],
    ),
    (
        "versions of prompts that the console makes are not seen, and numbers are guessed",
        &[
            "prompts.rs what_somebody_publishes_in_the_console_is_drift",
            "prompts.rs versions_that_others_made_in_between_are_neither_counted_nor_published",
        ],
    ),
    (
        "an icon stands before the name and is a change for ever",
        &[
            "src/systems/portkey/kinds/workspaces.rs a_live_workspace_reads_like_its_manifest",
            "laws/states.rs every_field_that_can_be_null_is_left_alone_cleared_and_set",
        ],
    ),
    (
        "fields of another provider are found out by the server alone",
        &[
            "src/systems/portkey/kinds/integrations/check.rs what_does_not_fit_the_provider_is_pointed_out",
        ],
    ),
    (
        "one answer of 503 fails a whole plan",
        &["faults.rs a_repeated_request_is_said_once_and_the_document_stays_one"],
    ),
    (
        "a threshold is taken for a percentage",
        &["src/systems/portkey/limits.rs thresholds_and_resets_are_checked"],
    ),
    (
        "a config cannot be taken off a key",
        &["laws/states.rs every_field_that_can_be_null_is_left_alone_cleared_and_set"],
    ),
];

#[test]
fn every_test_that_is_named_here_exists() {
    assert_tests_exist(BUGS);
    assert_tests_exist(FIXED);
}

/// A workspace with access to an integration, and what `more` says.
fn manifest(grant: &str, more: &str) -> String {
    format!(
        "workspaces:\n  w: {{ name: W }}\n  v: {{ name: V }}\nintegrations:\n  i:\n    name: I\n    \
         ai_provider_id: openai\n    key: ${{env:OPENAI_API_KEY}}\n    workspaces:\n      \
         w: {grant}\n      v: {{ enabled: true }}\n{more}"
    )
}

#[test]
fn limits_of_a_grant_are_cleared_by_null_and_by_an_empty_list() {
    let limits = "{ enabled: true, usage_limits: [{ type: cost, credit_limit: 5 }], \
                  rate_limits: [{ type: requests, unit: rpm, value: 5 }] }";
    for nothing in ["null", "[]"] {
        let (server, project) = (Server::start(), Project::of(&manifest(limits, "")));
        let url = server.url();
        project.apply(&url);
        let grant = || {
            let all = server.get("/integrations/i/workspaces");
            let all = all["workspaces"].as_array().unwrap().clone();
            let slug = server.workspace("W")["slug"].clone();
            all.into_iter().find(|grant| grant["id"] == slug).unwrap()
        };
        assert_eq!(grant()["usage_limits"][0]["credit_limit"], 5);
        // Left out, they stay: that is what leaving out means.
        project.file("org/all.yaml", &manifest("{ enabled: true }", ""));
        project.assert_converged(&server, &url);
        let cleared =
            format!("{{ enabled: true, usage_limits: {nothing}, rate_limits: {nothing} }}");
        project.file("org/all.yaml", &manifest(&cleared, ""));
        project.apply(&url);
        for field in ["usage_limits", "rate_limits"] {
            let left = &grant()[field];
            assert!(
                left.is_null() || left == &json!([]),
                "{field} {nothing}: {left}"
            );
        }
        project.assert_converged(&server, &url);
    }
}

#[test]
fn what_a_config_cannot_change_is_not_swallowed() {
    let config = "configs:\n  c: { name: C, workspace_id: w, is_default: false, config: { retry: { attempts: 3 } } }\n";
    let manifest = format!("workspaces:\n  w: {{ name: W }}\n{config}");
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.apply(&server.url());
    project.edit("is_default: false", "is_default: true");
    let plan = project.at(&server.url(), ["plan"]).run().expect(0);
    assert_eq!(plan.changes(), ["± configs.c"], "{plan}");
    assert!(plan.stdout.contains("/is_default"), "{plan}");
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
}

#[test]
fn a_policy_needs_no_name_and_no_form_of_its_conditions() {
    let policy = "usage_limits_policies:\n  p:\n    workspace_id: w\n    type: cost\n    credit_limit: 5\n    \
                  conditions: [{ key: metadata.team, value: [a,   b] }]\n    group_by: [{ key: api_key }]\n\
                  rate_limits_policies:\n  r:\n    workspace_id: w\n    type: requests\n    unit: rpm\n    value: 5\n    \
                  conditions: [{ key: api_key,   value: \"*\" }]\n    group_by: [{ key: api_key }]\n";
    let manifest = format!("workspaces:\n  w: {{ name: W }}\n{policy}");
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.apply(&server.url());
    project.assert_converged(&server, &server.url());
    project.edit(
        "conditions: [{ key: metadata.team, value: [a,   b] }]",
        "conditions:\n    - value:\n      - 'a'\n      - \"b\"\n      key: metadata.team",
    );
    project.assert_converged(&server, &server.url());
}

#[test]
fn names_of_checks_are_kept_and_what_the_server_adds_is_no_change() {
    let guardrail = "guardrails:\n  g:\n    name: G\n    workspace_id: w\n    \
                     checks: [{ id: default.wordCount, name: Not too long, parameters: { maxWords: 9 } }]\n    \
                     actions: { deny: true, async: false }\n";
    let manifest = format!("workspaces:\n  w: {{ name: W }}\n{guardrail}");
    let (server, project) = (Server::start(), Project::of(&manifest));
    project.apply(&server.url());
    let guardrail = server
        .list_in("/guardrails", &server.workspace("W"))
        .remove(0);
    let path = format!("/guardrails/{}", text(&guardrail["slug"]));
    assert_eq!(server.get(&path)["checks"][0]["name"], "Not too long");
    let parameters = json!({ "maxWords": 9, "minWords": 0, "not": false });
    let checks =
        json!([{ "id": "default.wordCount", "name": "Not too long", "parameters": parameters }]);
    server.put(&path, json!({ "checks": checks }));
    project.assert_converged(&server, &server.url());
}

/// A small organisation, applied, behind a proxy that answers reads of workspaces like this.
fn behind(status: &'static str, body: &'static str) -> (Server, Project, Proxy) {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    server.clear();
    let proxy = Proxy::start(&server, move |seen| {
        match seen.path.starts_with("/admin/workspaces") && !seen.is_write() {
            true => Fate::answer(status, "content-type: application/json\r\n", body),
            false => Fate::Forward,
        }
    });
    (server, project, proxy)
}

#[test]
fn a_key_that_may_no_longer_list_makes_nothing_anew() {
    let refused = r#"{"success":false,"data":{"message":"no","errorCode":"AB03"}}"#;
    let (server, project, proxy) = behind("403 Forbidden", refused);
    for command in ["plan", "apply"] {
        let run = project.at(&proxy.url(), [command]).run().expect(6);
        assert!(run.stderr.contains("403"), "{run}");
        assert!(run.changes().is_empty(), "{run}");
    }
    assert_eq!(server.writes(), [""; 0]);
    project.assert_converged(&server, &server.url());
}

#[test]
fn an_error_that_speaks_of_404_is_no_absence() {
    let (server, project, proxy) = behind("400 Bad Request", r#"{"message":"404 not found"}"#);
    let run = project.at(&proxy.url(), ["plan"]).run().expect(1);
    assert!(run.stderr.contains("404 not found"), "{run}");
    assert!(run.changes().is_empty(), "{run}");
    assert_eq!(server.writes(), [""; 0]);
}

#[test]
fn all_access_of_an_integration_is_one_request() {
    let (server, project) = (
        Server::start(),
        Project::of(&manifest("{ enabled: true }", "")),
    );
    project.apply(&server.url());
    let writes = server.writes();
    let access = |write: &&String| write.contains("/integrations/i/workspaces");
    assert_eq!(writes.iter().filter(access).count(), 1, "{writes:?}");
}

#[test]
fn slashes_and_a_no_survive_an_import() {
    let more = "    models:\n      org/model:1@x: { enabled: true, is_custom: true }\napi_keys:\n  \
                k:\n    name: K\n    type: workspace\n    sub_type: service\n    workspace_id: w\n    \
                scopes: [logs.list]\n    defaults: { allow_config_override: false }\n    \
                lifecycle: { sink: { file: k.txt } }\n";
    let (server, project) = (
        Server::start(),
        Project::of(&manifest("{ enabled: true }", more)),
    );
    project.apply(&server.url());
    let empty = Project::new();
    let run = |arguments: [&str; 2]| empty.at(&server.url(), arguments).run();
    run(["import", "--format=json"]).expect(0);
    assert!(
        empty
            .read("org/integrations.yaml")
            .contains("org/model:1@x")
    );
    let keys = empty.read("org/api-keys.yaml");
    assert!(keys.contains("allow_config_override: false"), "{keys}");
    run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_secret_is_not_sent_along_with_other_changes() {
    let (server, project) = (Server::start(), Project::small());
    project.apply(&server.url());
    let proxy = Proxy::start(&server, |_| Fate::Forward);
    project.edit(
        "description: The account of the company",
        "description: Ours",
    );
    project.apply(&proxy.url());
    let writes: Vec<_> = proxy
        .seen()
        .into_iter()
        .filter(|seen| seen.is_write())
        .collect();
    assert_eq!(writes.len(), 1);
    let body: Value = serde_json::from_str(&writes[0].body).unwrap();
    assert_eq!(body, json!({ "description": "Ours" }));
}
