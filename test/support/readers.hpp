// SPDX-License-Identifier: BSL-1.0
/// Channels that receive, in every way that a class may receive and be asked.
#pragma once

#include <asyncore/dispatcher_with_send.hpp>
#include <asyncore/file_dispatcher.hpp>

#include <array>
#include <functional>
#include <string>

#include "descriptors.hpp"
#include "matrix.hpp"

namespace test {

/// What a channel heard; kept outside of it, because it may be gone.
struct heard {
  std::string bytes;
  int hooks = 0;  // calls of any hook
  int closes = 0;
  int errors = 0;
  bool stays_open = false;           // neither handle_close nor handle_error closes
  std::function<void()> on_data;     // called after bytes have been added
  std::function<void()> on_close;    // called before it closes
};

/// How a class is asked.
enum class asks { never, every_turn, on_rearm };

/// The predicates of a reader that can be paused.
template <asks>
struct pausable {
  bool readable() const { return !paused; }
  bool paused = false;
};
template <>
struct pausable<asks::on_rearm> : pausable<asks::every_turn> {
  static constexpr auto predicates = asyncore::ask_on_rearm;
};
template <>
struct pausable<asks::never> {};

/// The same of one with handle_write.
template <asks Asks>
struct pausable_writer : pausable<Asks> {
  bool writable() const { return wants_write; }
  bool wants_write = false;
};

template <class Place, asks Asks>
struct data_reader;
template <class Place>
struct piece_reader;
template <class Place>
struct file_reader;
template <class Place>
struct deaf_reader;
template <class Place>
using reader_loop = typename Place::template loop<
    data_reader<Place, asks::never>, data_reader<Place, asks::every_turn>,
    data_reader<Place, asks::on_rearm>, piece_reader<Place>, file_reader<Place>,
    deaf_reader<Place>>;

/// The hooks that all readers have.
template <class Base>
struct hearing : Base {
  template <class Source>
  hearing(typename Base::loop_type& loop, heard& what, Source&& source)
      : Base(loop, std::forward<Source>(source)), heard_(what) {}
  hearing(typename Base::loop_type& loop, heard& what) : Base(loop), heard_(what) {}

  void log(std::string_view) {}
  void handle_close() {
    ++heard_.hooks;
    ++heard_.closes;
    if (const auto act = heard_.on_close) act();
    if (!heard_.stays_open) this->close();
  }
  void handle_error() {
    ++heard_.hooks;
    ++heard_.errors;
    if (!heard_.stays_open) this->close();
  }

 protected:
  void hear(std::span<const std::byte> data) {
    ++heard_.hooks;
    heard_.bytes += asyncore::as_text(data);
    if (const auto act = heard_.on_data) act();
  }
  heard& heard_;
};

/// handle_data, and an out-queue.
template <class Place, asks Asks>
struct data_reader
    : hearing<asyncore::dispatcher_with_send<data_reader<Place, Asks>, reader_loop<Place>>>,
      pausable<Asks> {
  data_reader(reader_loop<Place>& loop, heard& what, unique_fd fd)
      : data_reader::hearing(loop, what, asyncore::socket(std::move(fd))) {}
  explicit data_reader(reader_loop<Place>& loop, heard& what)
      : data_reader::hearing(loop, what) {}
  void handle_data(std::span<const std::byte> data) { this->hear(data); }
};

/// handle_read, a few bytes at a time.
template <class Place>
struct piece_reader : hearing<asyncore::dispatcher<piece_reader<Place>, reader_loop<Place>>>,
                      pausable_writer<asks::every_turn> {
  piece_reader(reader_loop<Place>& loop, heard& what, unique_fd fd)
      : piece_reader::hearing(loop, what, asyncore::socket(std::move(fd))) {}
  void handle_read() {
    std::array<std::byte, 5> piece;
    const asyncore::io_result got = this->recv(piece);
    if (got.ok()) this->hear(std::span(piece).first(got.bytes()));  // else this may be gone
  }
  void handle_write() { ++this->heard_.hooks; }
};

/// A file_dispatcher.
template <class Place>
struct file_reader : hearing<asyncore::file_dispatcher<file_reader<Place>, reader_loop<Place>>>,
                     pausable_writer<asks::on_rearm> {
  file_reader(reader_loop<Place>& loop, heard& what, const unique_fd& fd)
      : file_reader::hearing(loop, what, fd.get()) {}
  void handle_data(std::span<const std::byte> data) { this->hear(data); }
  void handle_write() { ++this->heard_.hooks; }
};

/// A constant says that it never reads; its user calls recv.
template <class Place>
struct deaf_reader : hearing<asyncore::dispatcher<deaf_reader<Place>, reader_loop<Place>>> {
  static constexpr bool readable = false;
  deaf_reader(reader_loop<Place>& loop, heard& what, unique_fd fd)
      : deaf_reader::hearing(loop, what, asyncore::socket(std::move(fd))) {}
  void handle_read() { ++this->heard_.hooks; }
};

}  // namespace test
