"""One file a command; `tamecrop.cli.registry` finds them by their names."""
