namespace kindred {}
