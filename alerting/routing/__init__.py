"""From alerts that fire to messages: routes, groups, silences, maintenance."""
