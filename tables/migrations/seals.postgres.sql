CREATE TRIGGER seal_frozen BEFORE UPDATE OR DELETE ON seal FOR EACH ROW
    EXECUTE FUNCTION frozen('un sceau ne change jamais')

CREATE TRIGGER seal_kept BEFORE TRUNCATE ON seal EXECUTE FUNCTION frozen('un sceau ne change jamais')

CREATE TRIGGER accounting_export_frozen BEFORE UPDATE OR DELETE ON accounting_export FOR EACH ROW
    EXECUTE FUNCTION frozen('un journal remis ne change jamais')

CREATE TRIGGER accounting_export_kept BEFORE TRUNCATE ON accounting_export EXECUTE FUNCTION frozen('un journal remis ne change jamais')
