//! The schema of the project file.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::DRAFT;
use super::keywords::allow_interpolation;
use crate::model::Sink;

/// The schema of the project file, `gatewright.yaml`, as its author sees it.
pub fn project_schema() -> Value {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let sink = Sink::setting(&mut generator).to_value();
    let mut schema = json!({
        "$schema": DRAFT,
        "title": "gatewright project",
        "type": "object",
        "required": ["gatewright"],
        "additionalProperties": false,
        "properties": {
            "gatewright": {
                "description": "The version of the file format.",
                "const": 1,
            },
            "manifests": { "$ref": "#/$defs/Manifests" },
            "systems": { "$ref": "#/$defs/Systems" },
            "vars": { "$ref": "#/$defs/Vars" },
            "environments": {
                "description": "What `--env NAME` lays over the rest of this file.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "manifests": { "$ref": "#/$defs/Manifests" },
                        "systems": { "$ref": "#/$defs/Systems" },
                        "vars": { "$ref": "#/$defs/Vars" },
                        "exclusive": { "$ref": "#/$defs/Exclusive" },
                        "limits": { "$ref": "#/$defs/Limits" },
                        "sink": { "$ref": "#/$defs/Sink" },
                        "ledger": { "$ref": "#/$defs/Ledger" },
                    },
                },
            },
            "exclusive": { "$ref": "#/$defs/Exclusive" },
            "limits": { "$ref": "#/$defs/Limits" },
            "fingerprint_key": {
                "description": "The key of the fingerprints by which changed secrets are \
                    recognised, for example `${env:GATEWRIGHT_KEY}`.",
                "type": "string",
                "minLength": 1,
            },
            "sink": { "$ref": "#/$defs/Sink" },
            "ledger": { "$ref": "#/$defs/Ledger" },
            "allow_exec": {
                "description": "Whether the repository may name programs to be run: `${exec:...}` \
                    and sinks that are commands. Whoever can change a manifest can then run \
                    anything where it is planned or applied.",
                "type": "boolean",
                "default": false,
            },
            "allow_literal_secrets": {
                "description": "Whether secrets may stand in manifests as they are. They should \
                    not.",
                "type": "boolean",
                "default": false,
            },
        },
        "$defs": {
            "Manifests": {
                "description": "Patterns of the manifest files, relative to this file; `**` \
                    stands for any number of folders.",
                "type": "array",
                "items": { "type": "string", "minLength": 1 },
            },
            "Systems": {
                "description": "Where the managed systems are and how to sign in.",
                "type": "object",
                "additionalProperties": {
                    "type": "object",
                    "additionalProperties": false,
                    "properties": {
                        "base_url": {
                            "description": "Where the system is; the public service if left out.",
                            "type": "string",
                            "minLength": 1,
                        },
                        "region": {
                            "description": "In which of the system's regions, where it has \
                                regions and `base_url` is left out.",
                            "type": "string",
                            "pattern": "^[a-z0-9-]+$",
                        },
                        "api_key": {
                            "description": "The key to sign in with, for example \
                                `${env:PORTKEY_API_KEY}`.",
                            "type": "string",
                            "minLength": 1,
                        },
                    },
                },
            },
            "Exclusive": {
                "description": "Kinds of which nothing is to be but what is declared: what anybody \
                    else made of them, at the organisation's level and in declared workspaces, is \
                    deleted. A map names the workspaces to which that is limited. Where two \
                    systems have a kind of that name, `SYSTEM:KIND` is that of one.",
                "type": "array",
                "items": {
                    "type": ["string", "object"],
                    "required": ["kind"],
                    "additionalProperties": false,
                    "properties": {
                        "kind": { "description": "The kind.", "type": "string" },
                        "workspaces": {
                            "description": "The workspaces, by key.",
                            "type": "array",
                            "items": { "type": "string" },
                        },
                    },
                },
            },
            "Limits": {
                "description": "How much one plan may delete or replace.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "delete": { "$ref": "#/$defs/Limit" },
                    "kinds": {
                        "description": "Limits of single kinds.",
                        "type": "object",
                        "additionalProperties": { "$ref": "#/$defs/Limit" },
                    },
                },
            },
            "Limit": {
                "description": "A number of objects of one kind, or a share such as `20%`, which \
                    counts from the fourth object on unless it is `0%`. Without any: `30%`.",
                "type": ["integer", "string"],
                "minimum": 0,
                "maximum": 999_999_999,
                "pattern": r"^([0-9]{1,9}|([0-9]{1,2}([.][0-9]+)?|100)%)$",
            },
            "Sink": sink,
            "Ledger": {
                "description": "Where the ledgers are, if not in the repository: \
                    `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, or the \
                    path of a folder that several machines share. Credentials come from the \
                    environment.",
                "type": "string",
                "minLength": 1,
            },
            "Vars": {
                "description": "Values for `${var:NAME}`.",
                "type": "object",
            },
        },
    });
    allow_interpolation(&mut schema);
    schema
}
