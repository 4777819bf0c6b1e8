// SPDX-License-Identifier: BSL-1.0
/// Functions that other threads have a loop call: `basic_loop::post`. loop.hpp has it; programs may include this name.
#ifndef ASYNCORE_POST_HPP
#define ASYNCORE_POST_HPP

#include <asyncore/loop.hpp>

#endif
