//! The checks that the API's document knows, with their parameters.
//!
//! Parameters that only the open-source gateway's own descriptions or the vendor's pages have are
//! in here as well. The hosted service has more checks still, which are let through.

/// A check and its parameters.
pub(super) struct Check {
    /// The id, `plugin.check`.
    pub(super) id: &'static str,
    /// The parameters besides [`COMMON`].
    pub(super) parameters: &'static [Parameter],
}

/// A parameter of a check.
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) accepts: Accepts,
    pub(super) required: bool,
}

/// What a parameter accepts.
#[derive(Clone, Copy)]
pub(super) enum Accepts {
    Flag,
    Number,
    /// A number from 0 to 1.
    Share,
    Text,
    /// One of these texts.
    Word(&'static [&'static str]),
    Texts,
    /// Any of these texts.
    Words(&'static [&'static str]),
    Object,
    Objects,
    Anything,
}

use Accepts::{Anything, Flag, Number, Object, Objects, Share, Text, Texts, Word, Words};

const fn may(name: &'static str, accepts: Accepts) -> Parameter {
    Parameter {
        name,
        accepts,
        required: false,
    }
}

const fn must(name: &'static str, accepts: Accepts) -> Parameter {
    Parameter {
        name,
        accepts,
        required: true,
    }
}

const fn check(id: &'static str, parameters: &'static [Parameter]) -> Check {
    Check { id, parameters }
}

/// Parameters of every check: how long it may take in milliseconds, whether an error of the check
/// counts as a failure, and headers of the request that are passed on.
pub(super) const COMMON: &[Parameter] = &[
    may("timeout", Number),
    may("failOnError", Flag),
    may("forwardHeaders", Texts),
];

const NOT: Parameter = may("not", Flag);
const REDACT: Parameter = may("redact", Flag);
const ALL_ANY_NONE: &[&str] = &["all", "any", "none"];

const LANGUAGES_OF_CODE: &[&str] = &[
    "SQL",
    "Python",
    "TypeScript",
    "JavaScript",
    "Java",
    "C#",
    "C++",
    "C",
    "Ruby",
    "PHP",
    "Swift",
    "Kotlin",
    "Go",
    "Rust",
    "Scala",
    "R",
    "Perl",
    "Shell",
    "HTML",
    "CSS",
    "XML",
    "JSON",
    "YAML",
    "Markdown",
    "Dockerfile",
];

const LANGUAGES: &[&str] = &[
    "eng_Latn", "zho_Hans", "spa_Latn", "ara_Arab", "por_Latn", "ind_Latn", "fra_Latn", "jpn_Jpan",
    "rus_Cyrl", "deu_Latn", "kor_Hang", "tur_Latn", "ita_Latn", "pes_Arab", "pol_Latn", "vie_Latn",
    "nld_Latn", "hin_Deva", "tha_Thai", "heb_Hebr", "ben_Beng", "swe_Latn", "ces_Latn", "ron_Latn",
    "ell_Grek", "ukr_Cyrl", "dan_Latn", "fin_Latn", "nor_Latn", "hun_Latn", "cat_Latn", "bul_Cyrl",
    "msa_Latn", "hrv_Latn", "arb_Latn", "slk_Latn", "lit_Latn", "lav_Latn", "srp_Cyrl", "slv_Latn",
    "est_Latn", "urd_Arab", "fil_Latn", "aze_Latn", "tam_Taml", "tel_Telu", "mar_Deva", "kan_Knda",
    "fas_Arab",
];

const REQUEST_TYPES: &[&str] = &[
    "complete",
    "chatComplete",
    "embed",
    "rerank",
    "moderate",
    "stream-complete",
    "stream-chatComplete",
    "stream-messages",
    "proxy",
    "imageGenerate",
    "createSpeech",
    "createTranscription",
    "createTranslation",
    "realtime",
    "uploadFile",
    "listFiles",
    "retrieveFile",
    "deleteFile",
    "retrieveFileContent",
    "createBatch",
    "retrieveBatch",
    "cancelBatch",
    "listBatches",
    "getBatchOutput",
    "listFinetunes",
    "createFinetune",
    "retrieveFinetune",
    "cancelFinetune",
    "createModelResponse",
    "getModelResponse",
    "deleteModelResponse",
    "listResponseInputItems",
    "messages",
];

const MODERATED: &[&str] = &[
    "hate",
    "hate/threatening",
    "harassment",
    "harassment/threatening",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

const PERSONAL: &[&str] = &[
    "EMAIL_ADDRESS",
    "PHONE_NUMBER",
    "LOCATION_ADDRESS",
    "NAME",
    "IP_ADDRESS",
    "CREDIT_CARD",
    "SSN",
];

const MISTRAL: &[&str] = &[
    "sexual",
    "hate_and_discrimination",
    "violence_and_threats",
    "dangerous_and_criminal_content",
    "selfharm",
    "health",
    "financial",
    "law",
    "pii",
];

const PILLAR: &[&str] = &[
    "prompt_injection",
    "pii",
    "secrets",
    "toxic_language",
    "invisible_characters",
];

const ACUVITY_PERSONAL: &[&str] = &[
    "email_address",
    "ssn",
    "person",
    "aba_routing_number",
    "address",
    "bank_account",
    "bitcoin_wallet",
    "credit_card",
    "driver_license",
    "itin_number",
    "location",
    "medical_license",
    "money_amount",
    "passport_number",
    "phone_number",
];

const ACUVITY_LANGUAGES: &[&str] = &[
    "english",
    "chinese",
    "spanish",
    "french",
    "german",
    "japanese",
    "gibberish",
];

const AZURE_SAFETY: &[&str] = &["Hate", "SelfHarm", "Sexual", "Violence"];

const SCAN_SCOPES: &[&str] = &[
    "last_message",
    "last_user_message",
    "user_messages",
    "all_messages",
];

/// The checks, in the order of the API's document.
pub(super) const CHECKS: &[Check] = &[
    check(
        "default.jwt",
        &[
            must("jwksUri", Text),
            must("headerKey", Text),
            may("cacheMaxAge", Number),
            may("clockTolerance", Number),
            may("maxTokenAge", Text),
            may("algorithms", Texts),
        ],
    ),
    check("default.modelWhitelist", &[must("models", Texts), NOT]),
    check("default.isAllLowerCase", &[NOT]),
    check("default.regexMatch", &[must("rule", Text), NOT]),
    check(
        "default.sentenceCount",
        &[
            may("minSentences", Number),
            may("maxSentences", Number),
            NOT,
        ],
    ),
    check(
        "default.wordCount",
        &[may("minWords", Number), may("maxWords", Number), NOT],
    ),
    check(
        "default.characterCount",
        &[
            may("minCharacters", Number),
            may("maxCharacters", Number),
            NOT,
        ],
    ),
    check("default.jsonSchema", &[must("schema", Object), NOT]),
    check(
        "default.jsonKeys",
        &[must("keys", Texts), must("operator", Word(ALL_ANY_NONE))],
    ),
    check(
        "default.contains",
        &[must("words", Texts), must("operator", Word(ALL_ANY_NONE))],
    ),
    check("default.validUrls", &[may("onlyDNS", Flag), NOT]),
    check(
        "default.containsCode",
        &[must("format", Word(LANGUAGES_OF_CODE)), NOT],
    ),
    check(
        "default.webhook",
        &[must("webhookURL", Text), may("headers", Anything)],
    ),
    check("default.endsWith", &[must("suffix", Text), NOT]),
    check("default.alluppercase", &[NOT]),
    check(
        "default.requiredMetadataKeys",
        &[
            must("metadataKeys", Texts),
            must("operator", Word(ALL_ANY_NONE)),
        ],
    ),
    check(
        "default.allowedRequestTypes",
        &[
            may("allowedTypes", Words(REQUEST_TYPES)),
            may("blockedTypes", Words(REQUEST_TYPES)),
        ],
    ),
    check(
        "portkey.moderateContent",
        &[must("categories", Words(MODERATED)), NOT],
    ),
    check("portkey.language", &[may("language", Word(LANGUAGES)), NOT]),
    check(
        "portkey.pii",
        &[REDACT, must("categories", Words(PERSONAL)), NOT],
    ),
    check("portkey.gibberish", &[NOT]),
    check(
        "sydelabs.sydeguard",
        &[
            may("prompt_injection_threshold", Share),
            may("toxicity_threshold", Share),
            may("evasion_threshold", Share),
        ],
    ),
    check("aporia.validateProject", &[must("projectID", Text)]),
    check("pillar.scanPrompt", &[must("scanners", Words(PILLAR))]),
    check("pillar.scanResponse", &[must("scanners", Words(PILLAR))]),
    check("patronus.phi", &[REDACT]),
    check("patronus.pii", &[REDACT]),
    check("patronus.isConcise", &[REDACT]),
    check("patronus.isHelpful", &[REDACT]),
    check("patronus.isPolite", &[REDACT]),
    check("patronus.noApologies", &[REDACT]),
    check("patronus.noGenderBias", &[REDACT]),
    check("patronus.noRacialBias", &[REDACT]),
    check("patronus.retrievalAnswerRelevance", &[REDACT]),
    check("patronus.toxicity", &[REDACT]),
    check("patronus.custom", &[must("profile", Text)]),
    check(
        "mistral.moderateContent",
        &[must("categories", Words(MISTRAL))],
    ),
    check(
        "bedrock.guard",
        &[
            must("guardrailVersion", Text),
            must("guardrailId", Text),
            REDACT,
        ],
    ),
    check("promptfoo.guard", &[REDACT]),
    check("promptfoo.pii", &[REDACT]),
    check("promptfoo.harm", &[REDACT]),
    check(
        "acuvity.scan",
        &[
            may("prompt_injection", Flag),
            may("prompt_injection_threshold", Share),
            may("toxic", Flag),
            may("toxic_threshold", Share),
            may("jail_break", Flag),
            may("jail_break_threshold", Share),
            may("malicious_url", Flag),
            may("malicious_url_threshold", Share),
            may("biased", Flag),
            may("biased_threshold", Share),
            may("harmful", Flag),
            may("harmful_threshold", Share),
            may("language", Flag),
            may("language_values", Word(ACUVITY_LANGUAGES)),
            may("pii", Flag),
            may("pii_redact", Flag),
            may("pii_categories", Words(ACUVITY_PERSONAL)),
            may("secrets", Flag),
            may("secrets_redact", Flag),
            may("secrets_categories", Texts),
        ],
    ),
    check(
        "lasso.classify",
        &[
            may("messages", Objects),
            may("conversationId", Text),
            may("userId", Text),
        ],
    ),
    check(
        "azure.contentSafety",
        &[
            may("blocklistNames", Texts),
            may("apiVersion", Text),
            may("severity", Number),
            may("categories", Words(AZURE_SAFETY)),
        ],
    ),
    check(
        "azure.pii",
        &[
            may("domain", Word(&["none", "phi"])),
            may("apiVersion", Text),
            may("modelVersion", Text),
            may("language", Text),
            REDACT,
        ],
    ),
    check(
        "panw-prisma-airs.intercept",
        &[
            may("profile_name", Text),
            may("profile_id", Text),
            may("ai_model", Text),
            may("app_user", Text),
            may("app_name", Text),
            may("scan_scope", Word(SCAN_SCOPES)),
            may("strip_scaffolding", Flag),
        ],
    ),
];

/// Ids of the open-source gateway that the hosted service spells differently.
pub(super) const OTHER_SPELLINGS: &[(&str, &str)] = &[
    ("acuvity.Acuvity", "acuvity.scan"),
    ("default.alllowercase", "default.isAllLowerCase"),
    ("default.modelwhitelist", "default.modelWhitelist"),
    ("default.isAllUpperCase", "default.alluppercase"),
];
