"""What keeps desktops alike. So far: stamping a change of a record, so that it can be told to them."""
