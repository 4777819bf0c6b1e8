// SPDX-License-Identifier: BSL-1.0
/// The kernel that a test runs on: the real one or, with TEST_SIMULATED, a simulated one. The same
/// source is compiled for both, and what it expects is what the real one does.
#pragma once

#if defined(TEST_SIMULATED)
#include "simulated_kernel.hpp"
#else
#include "real_kernel.hpp"
#endif
