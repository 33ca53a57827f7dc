"""One file a command; `tamecrop.cli.app` finds them by their names."""
