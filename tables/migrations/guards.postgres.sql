-- What PostgreSQL itself refuses. One statement per paragraph.

ALTER TABLE line ADD CONSTRAINT line_no_shared_day EXCLUDE USING gist (
    int8range(ltrim(msisdn, '+')::bigint, ltrim(msisdn, '+')::bigint, '[]') WITH &&,
    daterange(activated_on, terminated_on, '[]') WITH &&) WHERE (state <> 'cancelled')

CREATE FUNCTION frozen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RAISE EXCEPTION 'frozen: %', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$

CREATE FUNCTION frozen_line() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (TG_OP <> 'INSERT' AND EXISTS (SELECT 1 FROM invoice WHERE id = OLD.invoice AND state = 'validated'))
        OR (TG_OP <> 'DELETE' AND EXISTS (SELECT 1 FROM invoice WHERE id = NEW.invoice AND state = 'validated')) THEN
        RAISE EXCEPTION 'frozen: un document validé ne change jamais, un avoir le corrige' USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END;
END $$

CREATE TRIGGER invoice_frozen BEFORE UPDATE OR DELETE ON invoice FOR EACH ROW WHEN (OLD.state = 'validated')
    EXECUTE FUNCTION frozen('un document validé ne change jamais, un avoir le corrige')

CREATE TRIGGER invoice_line_frozen BEFORE INSERT OR UPDATE OR DELETE ON invoice_line FOR EACH ROW EXECUTE FUNCTION frozen_line()

CREATE TRIGGER sealed_document_frozen BEFORE UPDATE OR DELETE ON sealed_document FOR EACH ROW
    EXECUTE FUNCTION frozen('un document scellé ne change jamais')

CREATE TRIGGER timeline_entry_frozen BEFORE UPDATE OR DELETE ON timeline_entry FOR EACH ROW
    EXECUTE FUNCTION frozen('le journal ne change jamais')

CREATE TRIGGER number_series_forward BEFORE UPDATE ON number_series FOR EACH ROW
    WHEN (NEW.last_number < OLD.last_number OR NEW.name <> OLD.name)
    EXECUTE FUNCTION frozen('une série de numéros ne revient jamais en arrière')

CREATE TRIGGER number_series_kept BEFORE DELETE ON number_series FOR EACH ROW
    EXECUTE FUNCTION frozen('une série de numéros ne revient jamais en arrière')

CREATE TRIGGER invoice_kept BEFORE TRUNCATE ON invoice EXECUTE FUNCTION frozen('un document validé ne change jamais, un avoir le corrige')

CREATE TRIGGER invoice_line_kept BEFORE TRUNCATE ON invoice_line EXECUTE FUNCTION frozen('un document validé ne change jamais, un avoir le corrige')

CREATE TRIGGER sealed_document_kept BEFORE TRUNCATE ON sealed_document EXECUTE FUNCTION frozen('un document scellé ne change jamais')

CREATE TRIGGER timeline_entry_kept BEFORE TRUNCATE ON timeline_entry EXECUTE FUNCTION frozen('le journal ne change jamais')

CREATE TRIGGER number_series_whole BEFORE TRUNCATE ON number_series
    EXECUTE FUNCTION frozen('une série de numéros ne revient jamais en arrière')
