"""What both HTTP APIs share: OIDC, problems, cursors, idempotency."""
