"""The shipper: makes an open-source QuestDB follow another one, as its read replica.

One process for each replica, beside the primary. It tails the primary's transactions, reads the time intervals that
they touched again, and upserts the rows into the replica. An interval is read *after* its transaction is visible, so
the rows that are read are that transaction's or newer ones; writing a row twice changes nothing; a later transaction is
read by its own turn; and the watermark moves only when the replica has acknowledged. So whatever stops the shipper, the
primary or the replica, going on from the watermark ends in equal tables.

It needs of a table: WAL, deduplication on keys that identify a row, and timestamps that the writer gives. What cannot
be followed (a dropped column, an UPDATE, a truncated table, a log that was purged) makes the table ``needs_resync``: it
is left as it is on the replica, a metric says so, and ``resync`` copies it anew. Standard library only.
"""
