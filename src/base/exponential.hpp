// SPDX-License-Identifier: MIT
#pragma once

namespace agent_memory {

// To 13 digits at least, and the same on every runtime: the standard library's differ in the last
// bit from one to the next, and their tables are 3 KB of the download.

/// 2 to the power of `x`, exactly where `x` is whole; 0 below -1000 and infinite above 1000.
double power_of_two(double x);

/// e to the power of `x`; 0 below -693 and infinite above 693.
double exponential(double x);

/// The natural logarithm of `x`, which must be finite and more than 0.
double natural_logarithm(double x);

}  // namespace agent_memory
