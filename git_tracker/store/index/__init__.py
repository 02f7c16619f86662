"""The index: a disposable SQLite projection of every entry. Delete the file and the next refresh builds it again.

`schema` opens it, `write` puts folded issues into it, `read` answers questions, `search` turns queries into SQL.
"""
