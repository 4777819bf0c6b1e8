// SPDX-License-Identifier: BSL-1.0
// A shared object that is loaded while a loop runs, and posts to it and stops it.
#include <asyncore.hpp>

#include "loop.hpp"

extern "C" __attribute__((visibility("default"))) void plugin_post(plugin_loop* loop, int* calls) {
  loop->post([calls] { ++*calls; });
}
extern "C" __attribute__((visibility("default"))) void plugin_stop(plugin_loop* loop) {
  loop->stop();
}
