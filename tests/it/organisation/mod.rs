//! What a run costs for an organisation of 403 objects: 3 integrations, and 50 workspaces with a
//! grant, a provider, a config, a guardrail, a budget, an API key and a SCIM mapping each.

mod manifest;

use crate::support::{Project, Server};

fn organisation() -> Project {
    let project = Project::of(&manifest::manifest(50));
    project.file("gatewright.yaml", manifest::PROJECT);
    project
}

#[test]
fn a_plan_of_403_objects_reads_lists_and_then_only_what_changed() {
    let (server, project) = (Server::start(), organisation());
    project.apply(&server.url());
    let plan = |cold: bool| {
        server.clear();
        let mut plan = project.at(&server.url(), ["plan", "--detailed-exitcode"]);
        if cold {
            plan = plan.arg("--no-cache");
        }
        plan.run().expect(0);
        server.total()
    };
    // Stamps have to be some seconds old before they are believed.
    std::thread::sleep(std::time::Duration::from_millis(3_200));
    assert_eq!(plan(true), 163, "cold");
    plan(false);
    assert_eq!(plan(false), 63, "warm");
}
