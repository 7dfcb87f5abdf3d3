"""The stand-in: one small program in place of each of the platform's services, to prove that they are wired right.

It runs in the lab's ``stand-in`` image with nothing but Python, psycopg and redis, and reads the environment that the
platform's own services read.
"""
