"""What both APIs share: who calls (OIDC), what went wrong (problem+json), where a page goes on (cursors)."""
