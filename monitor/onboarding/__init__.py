"""From what is there (keys in the environment, a few answers) to a first configuration."""
