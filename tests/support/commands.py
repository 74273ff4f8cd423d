"""What tests of several commands share."""

OLD, NEW = "develop-2025-03-02", "develop-2025-03-09"

A, B, C, D, E = (letter * 32 for letter in "abcde")

GCC7 = {"compiler": "gcc@=7.5.0"}

ARM, X86 = {"target": "aarch64"}, {"target": "x86_64_v3"}
