"""The gateway of `service=`, name and value in, XML out."""
