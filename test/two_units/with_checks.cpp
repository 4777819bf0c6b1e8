// SPDX-License-Identifier: BSL-1.0
#undef ASYNCORE_DEBUG
#define ASYNCORE_DEBUG 1
#include <asyncore.hpp>

#include "mixed.hpp"

namespace two_units {

const void* loop_with_checks() { return &asyncore::this_thread_loop(); }

}  // namespace two_units
