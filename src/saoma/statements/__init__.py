"""Daily files: where they come from, when they are due, and the command that reconciles a day."""
