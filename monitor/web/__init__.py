"""What is served over HTTP: health, metrics, a status page."""
