"""Several repositories as one tracker. To everybody above the store a workspace looks like one repository's store."""
