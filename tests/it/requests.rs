//! How many requests the example costs, so that nobody makes it chatty unnoticed.

use crate::examples::variables;
use crate::support::{Project, Server};

fn traffic(server: &Server) -> String {
    let mut lines: Vec<String> = server
        .traffic()
        .iter()
        .map(|(what, count)| format!("{count:4} {what}"))
        .collect();
    lines.push(format!("{:4} in all", server.total()));
    lines.join("\n")
}

#[test]
fn the_example_costs_exactly_this() {
    let (server, project) = (Server::start(), Project::acme());
    // What a run need not read again depends on how long ago it was written.
    let run = |arguments: [&str; 2]| {
        variables(project.at(&server.url(), arguments))
            .env("GATEWRIGHT_NO_CACHE", "1")
            .run()
    };

    run(["plan", "--full"]).expect(0);
    insta::assert_snapshot!(traffic(&server), @"
     1 GET /admin/users
     1 GET /admin/users/invites
     1 GET /admin/workspaces
     1 GET /api-keys
     1 GET /configs
     1 GET /integrations
     1 GET /mcp-integrations
     1 GET /policies/rate-limits
     1 GET /policies/usage-limits
     1 GET /prompts
     1 GET /scim/workspaces
     1 GET /secret-references
    12 in all
    ");

    server.clear();
    run(["apply", "--yes"]).expect(0);
    insta::assert_snapshot!(traffic(&server), @"
      2 GET /admin/users
      2 GET /admin/users/invites
      2 GET /admin/workspaces
      6 GET /admin/workspaces/*
      1 GET /admin/workspaces/*/users
      2 GET /api-keys
      1 GET /api-keys/*
      3 GET /collections
      2 GET /configs
     21 GET /configs/*
      1 GET /guardrails
     29 GET /guardrails/*
      2 GET /integrations
     14 GET /integrations/*
     14 GET /integrations/*/models
     14 GET /integrations/*/workspaces
      3 GET /labels
      2 GET /mcp-integrations
      1 GET /mcp-integrations/*/capabilities
      3 GET /mcp-integrations/*/workspaces
      3 GET /mcp-servers
      1 GET /mcp-servers/*/capabilities
      2 GET /mcp-servers/*/user-access
      2 GET /policies/rate-limits
      2 GET /policies/usage-limits
      2 GET /prompts
      2 GET /prompts/*
      1 GET /prompts/partials
      1 GET /prompts/partials/*
      9 GET /providers
      2 GET /scim/workspaces
      2 GET /secret-references
      9 GET /secret-references/*
      1 GET /virtual-keys/*
      1 POST /admin/users/invites
      8 POST /admin/workspaces
      1 POST /admin/workspaces/*/users
      2 POST /api-keys/*/service
      7 POST /collections
     21 POST /configs
     29 POST /guardrails
     14 POST /integrations
      4 POST /labels
      3 POST /mcp-integrations
      4 POST /mcp-servers
     12 POST /policies/rate-limits
     12 POST /policies/usage-limits
      1 POST /prompts
      1 POST /prompts/partials
     37 POST /providers
      2 POST /scim/workspaces
      9 POST /secret-references
      1 POST /virtual-keys
      6 PUT /admin/workspaces/*
     14 PUT /integrations/*/models
     14 PUT /integrations/*/workspaces
      1 PUT /mcp-integrations/*/capabilities
      3 PUT /mcp-integrations/*/workspaces
      1 PUT /mcp-servers/*/capabilities
      2 PUT /mcp-servers/*/user-access
      1 PUT /prompts/*/versions/*
    375 in all
    ");

    server.clear();
    run(["plan", "--detailed-exitcode"]).expect(0);
    insta::assert_snapshot!(traffic(&server), @"
      1 GET /admin/users
      1 GET /admin/users/invites
      1 GET /admin/workspaces
      6 GET /admin/workspaces/*
      1 GET /admin/workspaces/*/users
      1 GET /api-keys
      1 GET /api-keys/*
      3 GET /collections
      1 GET /configs
     21 GET /configs/*
      1 GET /guardrails
     29 GET /guardrails/*
      1 GET /integrations
     14 GET /integrations/*
     14 GET /integrations/*/models
     14 GET /integrations/*/workspaces
      3 GET /labels
      1 GET /mcp-integrations
      1 GET /mcp-integrations/*/capabilities
      3 GET /mcp-integrations/*/workspaces
      3 GET /mcp-servers
      1 GET /mcp-servers/*/capabilities
      2 GET /mcp-servers/*/user-access
      1 GET /policies/rate-limits
      1 GET /policies/usage-limits
      1 GET /prompts
      1 GET /prompts/*
      1 GET /prompts/partials
      1 GET /prompts/partials/*
      9 GET /providers
      1 GET /scim/workspaces
      1 GET /secret-references
      9 GET /secret-references/*
      1 GET /virtual-keys/*
    151 in all
    ");

    server.clear();
    run(["drift", "--full"]).expect(0);
    insta::assert_snapshot!(traffic(&server), @"
      1 GET /admin/users
      1 GET /admin/users/invites
      1 GET /admin/workspaces
      6 GET /admin/workspaces/*
      1 GET /admin/workspaces/*/users
      1 GET /api-keys
      1 GET /api-keys/*
      3 GET /collections
      1 GET /configs
     21 GET /configs/*
      1 GET /guardrails
     29 GET /guardrails/*
      1 GET /integrations
     14 GET /integrations/*
     14 GET /integrations/*/models
     14 GET /integrations/*/workspaces
      3 GET /labels
      1 GET /mcp-integrations
      1 GET /mcp-integrations/*/capabilities
      3 GET /mcp-integrations/*/workspaces
      3 GET /mcp-servers
      1 GET /mcp-servers/*/capabilities
      2 GET /mcp-servers/*/user-access
      1 GET /policies/rate-limits
      1 GET /policies/usage-limits
      1 GET /prompts
      1 GET /prompts/*
      1 GET /prompts/partials
      1 GET /prompts/partials/*
      9 GET /providers
      1 GET /scim/workspaces
      1 GET /secret-references
      9 GET /secret-references/*
      1 GET /virtual-keys/*
    151 in all
    ");
}
