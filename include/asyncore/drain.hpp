// SPDX-License-Identifier: BSL-1.0
/// Ending a loop well: `basic_loop::drain`. loop.hpp has it; programs may include this name.
#ifndef ASYNCORE_DRAIN_HPP
#define ASYNCORE_DRAIN_HPP

#include <asyncore/loop.hpp>

#endif
