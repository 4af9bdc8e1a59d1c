"""Rules said in PromQL, for those who alert from Prometheus."""
