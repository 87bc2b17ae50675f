"""Checks and runs the tickets of exacta. It was written from docs/ticket.md, and shares no code with exacta."""
