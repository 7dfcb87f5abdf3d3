"""Every file that lands on a host, foldered by destination; ``render`` turns one into its text."""
