//! What users of other reconcilers complain about most where secrets, imports and state are
//! concerned, and the tests that show gatewright without each of it.

use crate::support::assert_tests_exist;

/// What goes wrong elsewhere, and the tests that would fail if it went wrong here.
const COMPLAINTS: &[(&str, &[&str])] = &[
    (
        "when a secret rotates, the old one is printed",
        &[
            "secrets.rs a_changed_secret_is_seen_applied_and_not_shown",
            "canary.rs no_answer_of_a_server_brings_any_of_them_to_light",
        ],
    ),
    (
        "only secrets as they stand in variables are masked, not as documents and in other spellings",
        &[
            "secrets.rs secrets_inside_of_documents_and_texts_are_secrets",
            "secrets.rs a_server_that_spells_the_key_in_other_ways_does_not_get_it_repeated",
        ],
    ),
    (
        "the state has secrets in it, and so have saved plans and logs",
        &[
            "canary.rs nothing_that_is_written_for_people_to_keep_has_any_of_them",
            "secrets.rs a_crash_leaves_no_secret_in_the_journal",
            "remote_ledger.rs a_bucket_does_it_as_well_and_sees_no_secret",
        ],
    ),
    (
        "a secret that changed is not seen, or a number has to be raised by hand for it",
        &[
            "secrets.rs secrets_that_only_differ_inside_are_told_apart_by_their_fingerprints_alone",
            "mistakes.rs a_header_that_changes_is_noticed_though_the_api_masks_it",
            "mistakes.rs a_secret_that_is_declared_later_is_sent",
        ],
    ),
    (
        "secrets in encrypted files have to be decrypted to disk first",
        &[
            "sops.rs what_sops_encrypted_is_read_as_any_other_manifest",
            "sources.rs sops_decrypts_what_manifests_name",
        ],
    ),
    (
        "a variable that is not set becomes an empty text",
        &["bad_input.rs every_mistake_has_its_place_its_words_and_no_effect"],
    ),
    (
        "one bad credential stops everything else",
        &[
            "two_systems.rs a_system_without_a_key_does_not_stop_the_other",
            "two_systems.rs a_system_without_a_key_does_not_stop_the_import_of_the_other",
        ],
    ),
    (
        "what a key may not list is taken for nothing",
        &[
            "terraform_bugs.rs a_key_that_may_no_longer_list_makes_nothing_anew",
            "import.rs what_a_key_may_not_list_is_named_and_the_rest_is_imported",
        ],
    ),
    (
        "an import reads the first page, and finds what follows non-existent",
        &["paging.rs import_finds_everything_on_later_pages"],
    ),
    (
        "what was imported differs at once from what is live, because of defaults and spellings",
        &[
            "import.rs what_acme_applied_is_imported_into_an_empty_folder",
            "laws/import.rs what_is_live_is_imported_and_then_there_is_nothing_to_do",
        ],
    ),
    (
        "an import writes ids where names belong, and whole files over what is there",
        &[
            "import.rs what_acme_applied_is_imported_into_an_empty_folder",
            "import.rs existing_files_keep_their_comments_and_their_order",
            "laws/import.rs what_is_imported_into_a_file_leaves_the_rest_of_it_as_it_is",
        ],
    ),
    (
        "an import asks for secrets that nobody has, or writes masks in their place",
        &["import.rs secrets_are_placeholders_that_nobody_needs_until_they_change"],
    ),
    (
        "a dry run writes",
        &["import.rs what_is_asked_for_is_imported_and_the_rest_is_not"],
    ),
    (
        "drift is seen and can only be undone, not taken over",
        &["adopt.rs what_others_changed_is_shown_and_written_where_it_is_declared"],
    ),
    (
        "a lock stays behind when CI cancels a run, and somebody has to break it",
        &[
            "remote_ledger.rs a_killed_run_blocks_for_its_lease_and_the_next_machine_knows_what_it_did",
            "faults.rs a_creation_under_way_when_its_run_is_killed_is_waited_for_and_taken_over",
        ],
    ),
    (
        "two runs at once make everything twice, or overwrite each other's state",
        &[
            "mistakes.rs two_applies_at_once_do_not_make_everything_twice",
            "remote_ledger.rs a_ledger_that_somebody_else_wrote_meanwhile_is_not_overwritten",
        ],
    ),
    (
        "operations that were under way have to be repaired in the state by hand",
        &[
            "faults.rs a_crash_at_any_creation_is_repaired_by_the_next_run",
            "faults.rs a_crash_between_updates_and_deletions_is_repaired_by_the_next_run",
        ],
    ),
    (
        "a state that is lost or damaged means that everything is made again",
        &[
            "ownership.rs a_lost_ledger_means_adoption_and_no_duplicates",
            "mistakes.rs a_damaged_ledger_is_not_an_empty_one",
        ],
    ),
    (
        "the state is written after every object, which takes most of a run",
        &["ledger_files.rs an_apply_with_nothing_to_do_writes_nothing"],
    ),
    (
        "two branches that both changed the state cannot be merged",
        &["ledger_files.rs two_branches_that_applied_merge_in_git_without_a_conflict"],
    ),
    (
        "a renamed entry deletes its object and makes another one",
        &["lifecycle.rs moved_from_keeps_the_live_object"],
    ),
    (
        "what somebody else owns is taken over or deleted",
        &[
            "ownership.rs objects_made_by_hand_survive_every_apply",
            "lifecycle.rs adopt_false_refuses_what_exists_already",
        ],
    ),
    (
        "a file with a wrong indentation or nothing in it deletes everything",
        &[
            "bad_input.rs an_emptied_repository_deletes_nothing_in_silence",
            "gates.rs too_many_deletions_are_refused_until_they_are_allowed",
        ],
    ),
];

#[test]
fn every_test_that_is_named_here_exists() {
    assert_tests_exist(COMPLAINTS);
}
