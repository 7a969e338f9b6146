"""A media library: users with roles, books that are borrowed, covers, a login.

python -m examples.media_library

rights      who may do what
lending     what happens when a book goes out and comes back
model       what is declared: users, authors, books
passwords   what is kept of a password
login       who is asking: a signed token in a cookie
app         the application that serves it
data        a little to begin with
__main__    the command
"""
