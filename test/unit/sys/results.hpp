// SPDX-License-Identifier: BSL-1.0
/// What system calls return, in words.
#pragma once

#include <asyncore/word/interest.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

#include "../poller/reports.hpp"
#include "../../support/descriptors.hpp"

namespace test {

inline std::ptrdiff_t write_to(const unique_fd& fd, std::string_view text) {
  return sys().send(fd.get(), bytes_in(text));
}
inline std::string read_from(const unique_fd& fd) { return read_piece(fd).bytes; }
inline std::ptrdiff_t result_of_read(const unique_fd& fd) { return read_piece(fd).result; }
inline readiness state_of(const unique_fd& fd) { return kernel::state_of(fd.get()); }
inline int error_of(const unique_fd& fd) {
  int value = -1;
  BOOST_REQUIRE_EQUAL(sys().getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, value), 0);
  return value;
}
inline unique_fd fresh(int family = AF_INET, int type = SOCK_STREAM) {
  return checked(sys().socket(family, type));
}

}  // namespace test
