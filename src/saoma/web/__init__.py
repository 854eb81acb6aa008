"""The frame around every page: layout, parts, styles, sessions, errors.

It knows no business; rooms bring their own screens."""
