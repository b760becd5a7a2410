"""The read side: what faces show. Plain frozen data, and no SQL above this package.

Every function takes the engine first and reads one state of the database.
"""
