"""Meta's rules as pure functions over explicit state and clock."""
