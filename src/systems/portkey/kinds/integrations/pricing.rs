//! The factors on list prices by which an integration's costs are counted. Fields are those of the
//! API's document.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::systems::portkey::spec::NotNull;

/// Factors on the list prices by which costs are counted.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PricingAdjustments {
    /// The factors: 1 is the list price, 0 is free.
    #[serde(default)]
    pub multiplier: NotNull<PricingMultiplier>,
}

macro_rules! multiplier {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// A factor for each sort of token; `default` is for those that are left out.
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct PricingMultiplier {
            $(
                $(#[$doc])*
                #[schemars(range(min = 0))]
                pub $field: Option<f64>,
            )*
            /// The factors for images.
            pub image: Option<ImageMultiplier>,
            /// The factors for other units, by name.
            pub additional_units: Option<IndexMap<String, Option<f64>>>,
        }
    };
}

multiplier! {
    /// The factor for everything that has none of its own.
    default,
    /// The factor for tokens of requests.
    request_token,
    /// The factor for tokens of answers.
    response_token,
    /// The factor for tokens read from the provider's cache.
    cache_read_input_token,
    /// The factor for tokens written to the provider's cache.
    cache_write_input_token,
    /// The factor for audio read from the provider's cache.
    cache_read_audio_input_token,
    /// The factor for audio in requests.
    request_audio_token,
    /// The factor for audio in answers.
    response_audio_token,
    /// The factor for tokens of reasoning.
    reasoning_token,
    /// The factor for predicted tokens that were used.
    prediction_accepted_token,
    /// The factor for predicted tokens that were not used.
    prediction_rejected_token,
    /// The factor for images in requests, counted in tokens.
    request_image_token,
    /// The factor for images in answers, counted in tokens.
    response_image_token,
    /// The factor for text in requests of models that price media apart.
    request_text_token,
    /// The factor for text in answers of models that price media apart.
    response_text_token,
    /// The factor for images read from the provider's cache.
    cache_read_image_input_token,
    /// The factor for text read from the provider's cache.
    cache_read_text_input_token,
    /// The factor for text written to the provider's cache.
    cache_write_text_input_token,
    /// The factor for images written to the provider's cache.
    cache_write_image_input_token,
}

/// The factors for images.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageMultiplier {
    /// The factor for all images.
    #[schemars(range(min = 0))]
    pub default: Option<f64>,
}
