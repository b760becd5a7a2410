"""Who asks: users with passwords, tokens of programs, and what keeps everybody else out.

`access` reads who may come in, `gate` asks each request for it, `oauth` and `login` are the two doors where one gets
something to show. Without users nobody is asked, and the server listens on this machine only.
"""
