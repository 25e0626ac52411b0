"""The identity sync: the one write path of mirrored records, what is told to desktops, and what they change."""
