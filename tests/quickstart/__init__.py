"""The quick-start pages, followed as a newcomer would follow them."""
