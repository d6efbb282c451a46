"""Where a configuration becomes a running system: configuration, command line, reports."""
