"""The verbs: one async function is one act, one short transaction, one report."""
