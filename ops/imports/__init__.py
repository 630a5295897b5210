"""Imports of chats that people exported from their own WhatsApp: parser (pure), sources, the run and its undoing."""
