"""What a fleet is: frozen models without file access (``document.py`` excepted), the words of the design as types."""
