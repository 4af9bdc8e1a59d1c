"""What others measure, to compare with: a provider slow for everybody, or only for us."""
