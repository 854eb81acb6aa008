"""Every call as it came: kept, shown, and why it was refused."""
