//! Object storage and shared folders as a place for ledgers: S3, Google Cloud Storage, Azure Blob
//! Storage, or a folder that several machines see. All that is needed of them is here: read, list,
//! write, delete, and create where nothing is.

use std::fmt;
use std::path::Path as Folder;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    ClientOptions, Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig,
    UpdateVersion,
};

/// How long a connection to a store may take to be made: those of cloud machines answer at once,
/// and elsewhere nobody answers.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a request to a store may be repeated.
const PATIENCE: Duration = Duration::from_secs(20);

/// The environment variables that say where a store is and with what credentials begin so.
pub const VARIABLES: [&str; 3] = ["AWS_", "AZURE_", "GOOGLE_"];

/// A place for ledgers that several machines share.
#[derive(Clone)]
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    prefix: Path,
    /// How people write it.
    url: String,
    /// Whether it can replace an object on condition that nobody else has.
    compares: bool,
}

/// A version of an object, for writing it on condition that it is still this one.
pub(super) type Version = Option<UpdateVersion>;

/// What a store did not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The setting names no place.
    #[error("`{url}` is no place for a ledger: {reason}")]
    Setting {
        /// What the project file says.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An object is there already, or is another one by now.
    #[error("somebody else wrote {0} meanwhile")]
    Taken(String),
    /// The store refused, or did not answer.
    #[error("cannot {action} {object}: {}", reason(source))]
    Failed {
        /// What was attempted.
        action: &'static str,
        /// The object.
        object: String,
        /// The reason.
        source: Box<Error>,
    },
}

/// What the store itself says; the words around it repeat what is said already.
fn reason(error: &Error) -> String {
    match error {
        Error::Generic { source, .. } => source.to_string(),
        Error::PermissionDenied { .. } => {
            "permission denied; check the credentials in the environment".to_owned()
        }
        Error::Unauthenticated { .. } => {
            "not signed in; check the credentials in the environment".to_owned()
        }
        other => other.to_string(),
    }
}

/// Whether a setting can name a place for ledgers.
///
/// # Errors
/// What is wrong with it, in words.
pub fn check(setting: &str) -> Result<(), String> {
    let Some((scheme, rest)) = setting.split_once("://") else {
        return match setting.is_empty() {
            true => Err("it is empty".to_owned()),
            false => Ok(()),
        };
    };
    if rest.contains(['@', '?', '#']) {
        return Err("credentials and options come from the environment, not from here".to_owned());
    }
    match scheme {
        "file" if rest.starts_with('/') => Ok(()),
        "file" => Err("a folder is written as `file:///path`, or as a path alone".to_owned()),
        "s3" | "gs" | "az" if rest.split('/').next().is_some_and(|name| !name.is_empty()) => Ok(()),
        "s3" | "gs" | "az" => Err("it names no bucket or container".to_owned()),
        _ => Err("it is none of s3://, gs://, az://, file:/// and the path of a folder".to_owned()),
    }
}

impl Store {
    /// Opens the place that a setting names; a path is relative to `root`. `variables` are those
    /// of the environment that begin as [`VARIABLES`] say.
    ///
    /// # Errors
    /// Where the setting names no place, or the variables make no sense.
    pub fn open(
        setting: &str,
        root: &Folder,
        variables: &[(String, String)],
    ) -> Result<Self, StoreError> {
        let fail = |reason: String| StoreError::Setting {
            url: setting.to_owned(),
            reason,
        };
        check(setting).map_err(fail)?;
        crate::client::choose_cryptography();
        let (scheme, rest) = setting.split_once("://").unwrap_or(("", setting));
        let built = |error: Error| fail(reason(&error));
        let retry = RetryConfig {
            max_retries: 3,
            retry_timeout: PATIENCE,
            ..RetryConfig::default()
        };
        // An endpoint without TLS is used where somebody names one.
        let plain = |(name, value): &(String, String)| {
            let place = ["ENDPOINT", "BASE_URL"];
            place.iter().any(|word| name.contains(word)) && value.starts_with("http://")
        };
        let options = ClientOptions::new()
            .with_connect_timeout(CONNECT)
            .with_allow_http(variables.iter().any(plain));
        macro_rules! built {
            ($builder:ty) => {{
                let builder = <$builder>::new()
                    .with_retry(retry)
                    .with_client_options(options);
                let builder = variables.iter().fold(builder, |builder, (name, value)| {
                    match name.to_ascii_lowercase().parse() {
                        Ok(key) => builder.with_config(key, value),
                        Err(_) => builder,
                    }
                });
                Arc::new(builder.with_url(setting).build().map_err(built)?)
            }};
        }
        let bucketless = |rest: &str| {
            let path = rest.split_once('/').map_or("", |(_, path)| path);
            Path::from(path)
        };
        let (objects, prefix): (Arc<dyn ObjectStore>, Path) = match scheme {
            "s3" => (built!(AmazonS3Builder), bucketless(rest)),
            "gs" => (built!(GoogleCloudStorageBuilder), bucketless(rest)),
            "az" => (built!(MicrosoftAzureBuilder), bucketless(rest)),
            _ => {
                let folder = std::path::absolute(root.join(rest));
                let folder = folder.map_err(|error| fail(error.to_string()))?;
                let prefix = Path::from_absolute_path(&folder);
                let prefix = prefix.map_err(|error| fail(error.to_string()))?;
                let folders = LocalFileSystem::new()
                    .with_fsync(true)
                    .with_automatic_cleanup(true);
                (Arc::new(folders), prefix)
            }
        };
        Ok(Self {
            objects,
            prefix,
            url: setting.trim_end_matches('/').to_owned(),
            compares: matches!(scheme, "s3" | "gs" | "az"),
        })
    }

    /// A store in memory, for tests.
    #[cfg(test)]
    pub(super) fn in_memory() -> Self {
        Self {
            objects: Arc::new(object_store::memory::InMemory::new()),
            prefix: Path::from("team"),
            url: "memory://team".to_owned(),
            compares: true,
        }
    }

    /// What people call an object of it.
    pub fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.url)
    }

    fn at(&self, name: &str) -> Path {
        self.prefix
            .parts()
            .chain(Path::from(name).parts())
            .collect()
    }

    fn failed(&self, action: &'static str, name: &str) -> impl FnOnce(Error) -> StoreError {
        let object = self.name(name);
        move |source| match source {
            Error::AlreadyExists { .. } | Error::Precondition { .. } => StoreError::Taken(object),
            source => StoreError::Failed {
                action,
                object,
                source: Box::new(source),
            },
        }
    }

    /// Reads an object; `None` where there is none.
    ///
    /// # Errors
    /// Where the store does not answer, or the object is not text.
    pub async fn read(&self, name: &str) -> Result<Option<(String, Version)>, StoreError> {
        let got = match self.objects.get(&self.at(name)).await {
            Err(Error::NotFound { .. }) => return Ok(None),
            got => got.map_err(self.failed("read", name))?,
        };
        let version = UpdateVersion {
            e_tag: got.meta.e_tag.clone(),
            version: got.meta.version.clone(),
        };
        let bytes = got.bytes().await.map_err(self.failed("read", name))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Some((text, Some(version))))
    }

    /// The names of everything that is there, or in one folder of it, sorted.
    ///
    /// # Errors
    /// Where the store does not answer.
    pub async fn list(&self, folder: &str) -> Result<Vec<String>, StoreError> {
        let at = self.at(folder);
        let metas = self.objects.list(Some(&at));
        let names = metas.map_ok(|meta| {
            let parts = meta.location.parts().skip(self.prefix.parts_count());
            let parts: Vec<String> = parts.map(|part| part.as_ref().to_owned()).collect();
            parts.join("/")
        });
        let mut names: Vec<String> = match names.try_collect().await {
            Err(Error::NotFound { .. }) => Vec::new(),
            names => names.map_err(self.failed("list", folder))?,
        };
        names.sort();
        Ok(names)
    }

    /// Writes an object that must not be there yet.
    ///
    /// # Errors
    /// [`StoreError::Taken`] where it is there.
    pub async fn create(&self, name: &str, text: String) -> Result<(), StoreError> {
        self.put(name, text, PutMode::Create).await
    }

    /// Writes an object, whatever is there.
    ///
    /// # Errors
    /// Where the store refuses.
    pub async fn write(&self, name: &str, text: String) -> Result<(), StoreError> {
        self.put(name, text, PutMode::Overwrite).await
    }

    /// Writes an object on condition that it is still the one that was read, as far as the store
    /// can tell: a folder cannot, and is protected by the lease alone.
    ///
    /// # Errors
    /// [`StoreError::Taken`] where it is another one.
    pub async fn replace(
        &self,
        name: &str,
        text: String,
        read: &Version,
    ) -> Result<(), StoreError> {
        let mode = match read {
            None => PutMode::Create,
            Some(version) if self.compares => PutMode::Update(version.clone()),
            Some(_) => PutMode::Overwrite,
        };
        self.put(name, text, mode).await
    }

    async fn put(&self, name: &str, text: String, mode: PutMode) -> Result<(), StoreError> {
        let options = PutOptions::from(mode);
        let at = self.at(name);
        let put = self.objects.put_opts(&at, text.into(), options);
        put.await.map_err(self.failed("write", name))?;
        Ok(())
    }

    /// Deletes objects. One that stays does no harm, so that nobody needs to hear of it.
    pub async fn delete(&self, names: Vec<String>) {
        let paths: Vec<_> = names.iter().map(|name| Ok(self.at(name))).collect();
        let paths = futures_util::stream::iter(paths).boxed();
        self.objects.delete_stream(paths).collect::<Vec<_>>().await;
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is inside has credentials.
        f.debug_tuple("Store").field(&self.url).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_name_places_and_nothing_else() {
        for good in [
            "s3://b/p/q",
            "gs://b",
            "az://c/p",
            "file:///srv/x",
            "../shared",
            "/srv/x",
        ] {
            check(good).unwrap();
        }
        for (bad, why) in [
            ("", "empty"),
            ("ftp://h/x", "none of"),
            ("s3://", "no bucket"),
            ("file://host/x", "file:///path"),
            ("s3://key:secret@b/p", "environment"),
            ("az://c/p?sig=x", "environment"),
        ] {
            let error = check(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn each_kind_of_store_is_opened_with_its_own_variables() {
        let variables = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(name, value)| (name.to_string(), value.to_string()));
            owned.collect::<Vec<_>>()
        };
        let here = Folder::new(".");
        let azure = variables(&[
            ("AZURE_STORAGE_ACCOUNT_NAME", "acme"),
            ("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0"),
        ]);
        for (setting, variables) in [
            (
                "s3://bucket/p",
                variables(&[("AWS_ENDPOINT_URL", "http://127.0.0.1:9")]),
            ),
            ("gs://bucket/p", Vec::new()),
            ("az://container/p", azure.clone()),
        ] {
            let store = Store::open(setting, here, &variables).unwrap();
            assert!(store.compares);
            assert_eq!(store.at("x.lease/1").as_ref(), "p/x.lease/1");
            assert_eq!(store.name("x"), format!("{setting}/x"));
            assert!(!format!("{store:?}").contains("c2VjcmV0"));
        }
        // An account has to be named somewhere.
        let error = Store::open("az://container/p", here, &[])
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("`az://container/p` is no place for a ledger"),
            "{error}"
        );
    }

    #[tokio::test]
    async fn memory_and_folders_do_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let shared = Store::open("shared", folder.path(), &[]).unwrap();
        for store in [Store::in_memory(), shared] {
            assert_eq!(store.list("").await.unwrap(), [""; 0]);
            assert!(store.read("a.ledger").await.unwrap().is_none());
            store.create("a.x/1", "one".into()).await.unwrap();
            let again = store.create("a.x/1", "two".into()).await.unwrap_err();
            assert!(matches!(again, StoreError::Taken(_)), "{again}");
            store
                .replace("a@b.ledger", "1".into(), &None)
                .await
                .unwrap();
            let (text, version) = store.read("a@b.ledger").await.unwrap().unwrap();
            assert_eq!(text, "1");
            store
                .replace("a@b.ledger", "2".into(), &version)
                .await
                .unwrap();
            let stale = store.replace("a@b.ledger", "3".into(), &version).await;
            assert_eq!(stale.is_err(), store.compares, "{store:?}");
            assert_eq!(store.list("").await.unwrap(), ["a.x/1", "a@b.ledger"]);
            assert_eq!(store.list("a.x").await.unwrap(), ["a.x/1"]);
            store.delete(vec!["a.x/1".into(), "gone".into()]).await;
            assert_eq!(store.list("").await.unwrap(), ["a@b.ledger"]);
        }
    }
}
