"""Timelines of misbehaviour: read strictly, played by the sandbox's clock; the YAML files here come with it."""
