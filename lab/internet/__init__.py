"""The internet of a lab: hosts that answer under given names over TLS, as far away as a table says."""
