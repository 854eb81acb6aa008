"""What was ordered: tabs and their lines, prices and discounts, portions, courses, orders taken offline."""
