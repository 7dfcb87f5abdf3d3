"""What each stack consists of. ``pulumi up -s nj`` reads ``region.py`` from top to bottom."""
