"""Tests of the room that fetches daily files."""
