"""Documents of others, fetched again and again: gently, within bounds, without credentials."""
