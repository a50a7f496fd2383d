"""How a syntax is written, the same bytes for the same value."""
