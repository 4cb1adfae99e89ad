-- What SQLite itself refuses. One statement per paragraph.

CREATE TRIGGER line_overlap_insert BEFORE INSERT ON line WHEN NEW.state <> 'cancelled' AND EXISTS (
    SELECT 1 FROM line WHERE msisdn = NEW.msisdn AND state <> 'cancelled'
        AND activated_on <= coalesce(NEW.terminated_on, '9999-12-31') AND NEW.activated_on <= coalesce(terminated_on, '9999-12-31'))
BEGIN SELECT RAISE(ABORT, 'line_no_shared_day: deux lignes du même numéro auraient un jour en commun'); END

CREATE TRIGGER line_overlap_update BEFORE UPDATE OF msisdn, activated_on, terminated_on, state ON line WHEN NEW.state <> 'cancelled' AND EXISTS (
    SELECT 1 FROM line WHERE id <> NEW.id AND msisdn = NEW.msisdn AND state <> 'cancelled'
        AND activated_on <= coalesce(NEW.terminated_on, '9999-12-31') AND NEW.activated_on <= coalesce(terminated_on, '9999-12-31'))
BEGIN SELECT RAISE(ABORT, 'line_no_shared_day: deux lignes du même numéro auraient un jour en commun'); END

CREATE TRIGGER invoice_frozen_update BEFORE UPDATE ON invoice WHEN OLD.state = 'validated'
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_frozen_delete BEFORE DELETE ON invoice WHEN OLD.state = 'validated'
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_line_frozen_insert BEFORE INSERT ON invoice_line
WHEN (SELECT state FROM invoice WHERE id = NEW.invoice) = 'validated'
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_line_frozen_update BEFORE UPDATE ON invoice_line
WHEN EXISTS (SELECT 1 FROM invoice WHERE id IN (OLD.invoice, NEW.invoice) AND state = 'validated')
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_line_frozen_delete BEFORE DELETE ON invoice_line
WHEN (SELECT state FROM invoice WHERE id = OLD.invoice) = 'validated'
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER sealed_document_update BEFORE UPDATE ON sealed_document
BEGIN SELECT RAISE(ABORT, 'frozen: un document scellé ne change jamais'); END

CREATE TRIGGER sealed_document_delete BEFORE DELETE ON sealed_document
BEGIN SELECT RAISE(ABORT, 'frozen: un document scellé ne change jamais'); END

CREATE TRIGGER timeline_entry_update BEFORE UPDATE ON timeline_entry
BEGIN SELECT RAISE(ABORT, 'frozen: le journal ne change jamais'); END

CREATE TRIGGER timeline_entry_delete BEFORE DELETE ON timeline_entry
BEGIN SELECT RAISE(ABORT, 'frozen: le journal ne change jamais'); END

CREATE TRIGGER number_series_update BEFORE UPDATE ON number_series WHEN NEW.last_number < OLD.last_number OR NEW.name <> OLD.name
BEGIN SELECT RAISE(ABORT, 'frozen: une série de numéros ne revient jamais en arrière'); END

CREATE TRIGGER number_series_delete BEFORE DELETE ON number_series
BEGIN SELECT RAISE(ABORT, 'frozen: une série de numéros ne revient jamais en arrière'); END

-- INSERT OR REPLACE and UPDATE OR REPLACE remove the row that is in the way without asking its triggers: the newcomer is refused

-- `+state` keeps SQLite from walking all validated invoices: it looks up the keys instead

CREATE TRIGGER invoice_frozen_replace BEFORE INSERT ON invoice WHEN EXISTS (
    SELECT 1 FROM invoice WHERE +state = 'validated' AND (id = NEW.id OR number = NEW.number
        OR (run = NEW.run AND customer = NEW.customer AND origin = 'RUN' AND NEW.origin = 'RUN')))
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_frozen_displace BEFORE UPDATE OF id, number, run, customer, origin ON invoice WHEN EXISTS (
    SELECT 1 FROM invoice WHERE +state = 'validated' AND id <> OLD.id AND (id = NEW.id OR number = NEW.number
        OR (run = NEW.run AND customer = NEW.customer AND origin = 'RUN' AND NEW.origin = 'RUN')))
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_line_frozen_replace BEFORE INSERT ON invoice_line WHEN EXISTS (
    SELECT 1 FROM invoice_line JOIN invoice ON invoice.id = invoice WHERE invoice_line.id = NEW.id AND state = 'validated')
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER invoice_line_frozen_displace BEFORE UPDATE OF id ON invoice_line WHEN EXISTS (
    SELECT 1 FROM invoice_line JOIN invoice ON invoice.id = invoice WHERE invoice_line.id = NEW.id AND state = 'validated')
BEGIN SELECT RAISE(ABORT, 'frozen: un document validé ne change jamais, un avoir le corrige'); END

CREATE TRIGGER sealed_document_replace BEFORE INSERT ON sealed_document WHEN EXISTS (
    SELECT 1 FROM sealed_document WHERE id = NEW.id OR name = NEW.name OR (invoice = NEW.invoice AND kind = NEW.kind))
BEGIN SELECT RAISE(ABORT, 'frozen: un document scellé ne change jamais'); END

CREATE TRIGGER timeline_entry_replace BEFORE INSERT ON timeline_entry WHEN EXISTS (SELECT 1 FROM timeline_entry WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'frozen: le journal ne change jamais'); END

CREATE TRIGGER number_series_replace BEFORE INSERT ON number_series
WHEN EXISTS (SELECT 1 FROM number_series WHERE id = NEW.id OR name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'frozen: une série de numéros ne revient jamais en arrière'); END
