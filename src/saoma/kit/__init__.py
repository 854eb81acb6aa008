"""The kit: things without business in them, on which every room stands.

Nothing in here may import another room."""
