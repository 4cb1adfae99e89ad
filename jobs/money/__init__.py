"""What customers owe and pay: balances, payments, direct debits, reminders."""
