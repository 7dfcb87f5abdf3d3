"""Reading live prices at the providers: all of a list or nothing, compared before it is written."""
