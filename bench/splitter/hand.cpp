// SPDX-License-Identifier: BSL-1.0
// The twin of asyncore.cpp without the library: memchr, and a string for a line that two reads
// share.
#include <cstring>
#include <string_view>

#include "support/line_stream.hpp"

namespace {

std::string begun;
std::size_t lines, bytes;

void split(std::string_view input) {
  while (const void* end = std::memchr(input.data(), '\r', input.size())) {
    const auto at = static_cast<std::size_t>(static_cast<const char*>(end) - input.data());
    if (at + 1 == input.size()) break;
    bytes += begun.size() + at;
    begun.clear();
    ++lines;
    input.remove_prefix(at + 2);
    // A lone \r does not occur in this stream.
  }
  begun += input;
}

void take() {
  static char buffer[bench::line_stream::read_size];
  std::string_view input(buffer, bench::stream().receive(buffer, sizeof buffer));
  if (!begun.empty() && begun.back() == '\r') {
    bytes += begun.size() - 1;
    begun.clear();
    ++lines;
    input.remove_prefix(1);
  }
  split(input);
}

}  // namespace

int main(int argc, char** argv) {
  bench::stream().parse(argc, argv, "Splits lines in memory, by hand.");
  return bench::report_split(take, lines, bytes);
}
