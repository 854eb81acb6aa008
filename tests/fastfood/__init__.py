"""Tests of saoma.fastfood."""
