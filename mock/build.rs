//! Puts the mock's description of the API together, once per profile, so that a running mock reads one
//! ready document and a mistake in a description is a build error that names the file.

#[expect(dead_code, reason = "the describe tool and the tests use more of it")]
mod description;

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    for watched in ["api", "behaviour", "live", "description", "defects.yaml"] {
        println!("cargo:rerun-if-changed={watched}");
    }
    let root = std::env::var("CARGO_MANIFEST_DIR")?;
    let out = std::env::var("OUT_DIR")?;
    for profile in description::Profile::ALL {
        let document = description::assemble(Path::new(&root), profile)?;
        let file = Path::new(&out).join(format!("{}.{}.json", profile.system, profile.name));
        std::fs::write(file, serde_json::to_vec(&document)?)?;
    }
    let defects = std::fs::read_to_string(Path::new(&root).join("defects.yaml"))?;
    let defects: Vec<serde_json::Value> = serde_saphyr::from_str(&defects)?;
    let list = serde_json::json!({ "object": "list", "total": defects.len(), "data": defects });
    std::fs::write(Path::new(&out).join("defects.json"), list.to_string())?;
    Ok(())
}
