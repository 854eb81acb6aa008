"""What cooks and owners look at: the kitchen's board, the office's menu; and the photos every screen shows."""
