//! Requests about a version of an object: which one they mean is known only after an earlier
//! request made it, or after looking at the server.

use serde_json::Value as Json;

use super::{Run, Session, StepError};
use crate::client::{self, item_path};
use crate::model::Value;
use crate::plan::{Request, Step, Version};

impl Run<'_> {
    /// A request with the version that it means in its place. `made` is the answer to the request
    /// before it.
    pub(super) async fn of_version(
        &self,
        session: &Session<'_>,
        step: &Step,
        request: &Request,
        made: &Json,
    ) -> Result<Request, StepError> {
        let Some(version) = &request.version else {
            return Ok(request.clone());
        };
        let path = match version {
            Version::Made { list, .. } => list,
            Version::Published { item, .. } => item,
        };
        let own = self.own(step);
        let path = item_path(path, &own).ok_or(StepError::Unnamed("slug"))?;
        let answer = session.client.send(&client::Request::get(path)).await?;
        let mut request = request.clone();
        match version {
            Version::Made { ids, number, .. } => {
                let number = number_of(&answer, ids, number, made);
                let number = number.ok_or(StepError::NoVersion)?;
                if let Some(Value::Map(body)) = &mut request.body {
                    body.insert("version".to_owned(), Value::from(number));
                }
            }
            Version::Published { ids, .. } => {
                let id = ids.iter().find_map(|id| answer.get(id)?.as_str());
                let id = id.ok_or(StepError::NoVersion)?;
                request.path = request.path.replace("{version}", &client::escape(id));
            }
        }
        Ok(request)
    }
}

/// The number of the version that `made` names, or of the newest one where the answer named none:
/// an answer that was lost and asked for again may have made two. Numbers may have gaps, so none
/// is ever guessed.
fn number_of(answer: &Json, ids: &[String], number: &str, made: &Json) -> Option<Json> {
    let versions = answer
        .as_array()
        .or_else(|| answer.get("data")?.as_array())?;
    let id_of = |json: &Json| -> Option<String> {
        let id = ids.iter().find_map(|id| json.get(id)?.as_str());
        id.map(str::to_owned)
    };
    let value = |version: &Json| -> Option<f64> {
        let number = version.get(number)?;
        number.as_f64().or_else(|| number.as_str()?.parse().ok())
    };
    let own = id_of(made).or_else(|| id_of(made.get("data")?));
    let found = versions
        .iter()
        .filter(|version| own.is_none() || id_of(version) == own)
        .filter_map(value)
        .max_by(f64::total_cmp)?;
    // The document has a text for some numbers; publishing takes a number.
    Some(Json::from(found as u64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_are_looked_up_and_never_guessed() {
        let ids = ["prompt_version_id".to_owned(), "id".to_owned()];
        let versions =
            json!([{ "id": "c", "n": 7 }, { "id": "b", "n": "3" }, { "id": "a", "n": 1 }]);
        let number = |made: Json| number_of(&versions, &ids, "n", &made);
        assert_eq!(number(json!({ "prompt_version_id": "b" })), Some(json!(3)));
        assert_eq!(number(json!({ "data": { "id": "a" } })), Some(json!(1)));
        assert_eq!(number(json!({ "id": "other" })), None);
        assert_eq!(number(Json::Null), Some(json!(7)));
        let wrapped = json!({ "data": versions });
        assert_eq!(
            number_of(&wrapped, &ids, "n", &json!({ "id": "c" })),
            Some(json!(7))
        );
    }
}
