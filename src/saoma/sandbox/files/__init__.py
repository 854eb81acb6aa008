"""Daily files: their layouts, and how they are fetched."""
