// SPDX-License-Identifier: BSL-1.0
/// The loop that a program and its plugin share.
#pragma once

#include <asyncore.hpp>

using plugin_loop = asyncore::basic_loop<asyncore::default_poller, asyncore::fd_table<>>;
