// SPDX-License-Identifier: BSL-1.0
// The endpoint parser: what it takes, it prints in a form that it takes again as the same address.
#include <asyncore/sys/endpoint.hpp>

#include "require.hpp"

#include <string>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using asyncore::endpoint;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::error_code failed;
  const endpoint first = endpoint::parse(text, failed);
  if (failed) {
    test::require(!first && first.size() == 0, "an address although it was refused");
    return 0;
  }
  const std::string printed = first.to_string();
  const endpoint second = endpoint::parse(printed, failed);
  test::require(!failed, "what was printed is refused");
  test::require(first == second, "what was printed is another address");
  test::require(second.to_string() == printed, "printed in two forms");
  test::require(first.size() <= endpoint::capacity(), "too large");
  return 0;
}
