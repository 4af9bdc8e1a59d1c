"""The past in ever coarser buckets: what is left of results when they are gone."""
