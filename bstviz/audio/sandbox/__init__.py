"""Files from others are decoded in processes apart, which may do nothing else: a pool of them, what is said to them and
what is taken from them.
"""
