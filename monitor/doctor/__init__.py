"""What `sonde doctor` looks at: this machine, and the way to everything the configuration names."""
