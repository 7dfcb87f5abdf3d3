"""The market database's copies off its host: made, sent and brought back by the hub, kept elsewhere.

Runs as ``python3 -B -m backup`` on the hosts themselves, with nothing but Python 3.11's standard library, Docker, tar,
gzip and ssh. A copy is one file, ``<name>.tar.gz``: first ``manifest.json`` and ``SHA256SUMS``, then the folders
``conf``, ``db`` and ``.checkpoint`` of QuestDB as of one checkpoint. Its name is that moment in UTC.
"""
