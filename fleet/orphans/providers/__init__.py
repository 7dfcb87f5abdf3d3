"""Each provider's lists behind one small interface (``listing.Listing``)."""
