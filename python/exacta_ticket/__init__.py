"""Checks and runs the tickets of exacta. It follows docs/ticket.md and shares no code with exacta."""
