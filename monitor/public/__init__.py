"""The public status page: chosen targets under names of your own, read-only, without internals."""
