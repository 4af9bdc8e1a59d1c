"""Anomalies that are known, in series made of what makes real ones hard, and who finds them."""
