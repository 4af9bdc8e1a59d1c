"""One request to an LLM API, turned into one ProbeResult."""
