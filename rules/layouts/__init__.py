"""CDR layouts: how a supplier's file is read as the columns of the published default, described by a person, without code."""
