"""What is cooked: tickets by station, the pass, and how long dishes take."""
