"""The console, over HTTP and over real PostgreSQL."""
