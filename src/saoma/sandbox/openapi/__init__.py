"""The Open API: `method=`, JSON."""
