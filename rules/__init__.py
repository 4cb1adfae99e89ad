"""The laws: pure functions on frozen values. No clock, no input or output, no environment."""
