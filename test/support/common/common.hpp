// SPDX-License-Identifier: BSL-1.0
/// What most test files include, as a precompiled header. Each file includes what it uses all the
/// same; what names headers one by one is test/compile.
#ifndef TEST_SUPPORT_COMMON_HPP  // g++ warns of #pragma once where the header itself is compiled
#define TEST_SUPPORT_COMMON_HPP

#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include "../kernel.hpp"
#include "../matrix.hpp"

#endif
