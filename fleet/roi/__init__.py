"""Whether the milliseconds are worth their price: at how many trades a month, given the user's own loss per trade."""
