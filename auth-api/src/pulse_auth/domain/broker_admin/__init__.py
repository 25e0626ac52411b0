"""The broker's management API as this part uses it: bans and kicks. Read next: ``client``, ``enforcement``."""
