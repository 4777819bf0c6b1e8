// SPDX-License-Identifier: BSL-1.0
/// The stream that the programs of line_splitting split: lines of 32 bytes with their "\r\n", in
/// reads that end anywhere in a line and in its end.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "options.hpp"

namespace bench {

class line_stream {
 public:
  static constexpr std::size_t line_size = 32;
  static constexpr std::size_t read_size = 65521;  // a prime

  /// Reads the command line; returns whether lines are to be kept until they end.
  bool parse(int argc, char** argv, std::string what) {
    CLI::App app(std::move(what));
    std::string keep = "counted";
    app.add_option("--lines", keep, "what becomes of them")
        ->capture_default_str()
        ->check(CLI::IsMember({"counted", "kept"}));
    app.add_option("--megabytes", megabytes_, "length of the stream")
        ->capture_default_str()
        ->check(CLI::Range(1, 100'000));
    bench::parse(app, argc, argv);
    while (text_.size() < 64 * read_size)
      text_ += std::string(line_size - 2, static_cast<char>('a' + text_.size() / 32 % 26)) + "\r\n";
    return keep == "kept";
  }

  /// What comes next; at most `size` bytes.
  std::size_t receive(char* into, std::size_t size) {
    std::size_t n = size < read_size ? size : read_size;
    if (n > text_.size() - at_) n = text_.size() - at_;
    std::memcpy(into, text_.data() + at_, n);
    at_ = at_ + n == text_.size() ? 0 : at_ + n;
    received_ += n;
    return n;
  }

  bool over() const { return received_ >= static_cast<std::size_t>(megabytes_) * 1'000'000; }
  std::size_t received() const { return received_; }

 private:
  int megabytes_ = 1000;
  std::string text_;
  std::size_t at_ = 0;
  std::size_t received_ = 0;
};

inline line_stream& stream() {
  static line_stream one;
  return one;
}

/// Calls `read` until the stream is over; checks what came of it and prints the speed.
template <class Read>
int report_split(Read read, const std::size_t& lines, const std::size_t& bytes) {
  const auto begin = std::chrono::steady_clock::now();
  while (!stream().over()) read();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  const auto all = static_cast<double>(stream().received());
  const std::size_t expected = stream().received() / line_stream::line_size;
  if (lines != expected || bytes / (line_stream::line_size - 2) < expected)
    fail("lines were lost or made up", EPROTO);
  std::printf("gigabytes_per_second %.3f\nns_per_line %.2f\n", 1e-9 * all / took.count(),
              1e9 * took.count() / static_cast<double>(lines));
  return 0;
}

}  // namespace bench
