-- Payments and allocations are only ever added

CREATE TRIGGER payment_frozen BEFORE UPDATE OR DELETE ON payment FOR EACH ROW
    EXECUTE FUNCTION frozen('un règlement ne change jamais, un autre le reprend')

CREATE TRIGGER payment_kept BEFORE TRUNCATE ON payment EXECUTE FUNCTION frozen('un règlement ne change jamais, un autre le reprend')

CREATE TRIGGER allocation_frozen BEFORE UPDATE OR DELETE ON allocation FOR EACH ROW
    EXECUTE FUNCTION frozen('un règlement ne change jamais, un autre le reprend')

CREATE TRIGGER allocation_kept BEFORE TRUNCATE ON allocation EXECUTE FUNCTION frozen('un règlement ne change jamais, un autre le reprend')
