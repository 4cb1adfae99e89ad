-- Payments and allocations are only ever added

CREATE TRIGGER payment_update BEFORE UPDATE ON payment
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END

CREATE TRIGGER payment_delete BEFORE DELETE ON payment
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END

CREATE TRIGGER payment_replace BEFORE INSERT ON payment
WHEN EXISTS (SELECT 1 FROM payment WHERE id = NEW.id OR key = NEW.key OR reverses = NEW.reverses)
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END

CREATE TRIGGER allocation_update BEFORE UPDATE ON allocation
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END

CREATE TRIGGER allocation_delete BEFORE DELETE ON allocation
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END

CREATE TRIGGER allocation_replace BEFORE INSERT ON allocation WHEN EXISTS (SELECT 1 FROM allocation WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'frozen: un règlement ne change jamais, un autre le reprend'); END
