// SPDX-License-Identifier: BSL-1.0
/// The durations and clocks of <chrono>, without its formatting and time zones.
#ifndef ASYNCORE_WORD_DURATION_HPP
#define ASYNCORE_WORD_DURATION_HPP

// libstdc++ keeps them in a header of their own, which <mutex> and <thread> use too; all of
// <chrono> would cost more to compile than the rest of the library.
#if __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif

#endif
