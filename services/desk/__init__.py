"""The agents' API: conversations, replies, live updates."""
