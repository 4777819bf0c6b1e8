// SPDX-License-Identifier: BSL-1.0
// How fast async_chat splits a stream at its terminators: lines in memory. A poller of its own says
// that they are there, and a transport of its own hands them to the channel.
#include <sys/socket.h>

#include <asyncore.hpp>

#include "support/line_stream.hpp"

namespace {

/// Its one channel can always be read.
class ready_poller {
 public:
  static constexpr std::string_view name = "ready";
  using system = asyncore::posix_system;

  std::error_code add(asyncore::token t, asyncore::interest) {
    id_ = t;
    return {};
  }
  std::error_code modify(asyncore::token, asyncore::interest) { return {}; }
  void remove(asyncore::token) noexcept {}
  template <class Sink>
  int wait(asyncore::timeout_type, Sink sink) {
    sink(id_, asyncore::readiness::read);
    return 1;
  }

 private:
  asyncore::token id_;
};

struct memory_transport {
  template <class System>
  static std::ptrdiff_t receive(System&&, int, std::span<std::byte> into) noexcept {
    return static_cast<std::ptrdiff_t>(
        bench::stream().receive(reinterpret_cast<char*>(into.data()), into.size()));
  }
  template <class System, class Bytes>
  static std::ptrdiff_t send(System&&, int, Bytes) noexcept {
    return 0;
  }
};

template <bool Kept>
struct splitter;
template <bool Kept>
using loop_of = asyncore::basic_loop<ready_poller, asyncore::fd_table<splitter<Kept>>>;

template <bool Kept>
struct splitter : asyncore::async_chat<splitter<Kept>, loop_of<Kept>, memory_transport> {
  splitter(loop_of<Kept>& loop, asyncore::socket peer)
      : asyncore::async_chat<splitter, loop_of<Kept>, memory_transport>(loop, std::move(peer)) {
    this->set_terminator("\r\n");
  }

  void collect_incoming_data(std::span<const std::byte> data) {
    if constexpr (Kept)
      line += asyncore::as_text(data);
    else
      bytes += data.size();
  }
  void found_terminator() {
    if constexpr (Kept) {
      bytes += line.size();
      line.clear();
    }
    ++lines;
  }

  std::string line;
  std::size_t bytes = 0, lines = 0;
};

template <bool Kept>
int split() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) bench::fail("socketpair");
  loop_of<Kept> loop;
  splitter<Kept> channel(loop, asyncore::socket(ends[0]));
  return bench::report_split([&] { loop.poll(); }, channel.lines, channel.bytes);
}

}  // namespace

int main(int argc, char** argv) {
  const bool kept = bench::stream().parse(argc, argv, "Splits lines in memory, by async_chat.");
  return kept ? split<true>() : split<false>();
}
