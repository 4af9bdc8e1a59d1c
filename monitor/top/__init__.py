"""`sonde top`: a running daemon in a terminal, from what its API tells."""
