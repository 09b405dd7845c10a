"""What prompts have in common.

In come token lists, prefix groups or block hashes; out come paths in one radix tree: nobody later sees a token.
Read `tree.py` first.
"""
