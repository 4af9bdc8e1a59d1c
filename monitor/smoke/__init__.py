"""Every target once: for those who schedule elsewhere, and for smoke tests of a gateway."""
