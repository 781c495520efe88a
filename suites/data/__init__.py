"""What is solved: seeded problems, rank-deficient families, NIST's certified sets, real tables."""
