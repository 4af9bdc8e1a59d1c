"""The wire: one HTTP exchange, timed by the kernel."""
