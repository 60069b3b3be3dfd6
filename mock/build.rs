//! Puts the mock's description of the API together, once per profile, so that a running mock reads one
//! ready document and a mistake in a description is a build error that names the file.

#[expect(dead_code, reason = "the describe tool and the tests use more of it")]
mod description;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["api", "behaviour", "live", "description"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let out = std::env::var("OUT_DIR")?;
    for profile in description::Profile::ALL {
        let document = description::assemble(Path::new(&root), profile)?;
        let file = Path::new(&out).join(format!("portkey.{}.json", profile.name()));
        std::fs::write(file, serde_json::to_vec(&document)?)?;
    }
    Ok(())
}
