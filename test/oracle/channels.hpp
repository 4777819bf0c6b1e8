// SPDX-License-Identifier: BSL-1.0
// Channels that write their hooks into a trace; the twin of channels.py.
#pragma once

#include "actor.hpp"
#include "errors.hpp"

#include <asyncore.hpp>

#include <sys/socket.h>

#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace oracle {

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// Gives one item after the other; throws an item that is a word.
struct item_producer {
  std::string more() {
    if (items.empty()) return {};
    const word item = items.front();
    items.erase(items.begin());
    if (!item.quoted) throw_named(item.text);
    return item.text;
  }
  std::vector<word> items;
};

/// What every kind has, without a hook. `Kind` is the channel kind.
template <class Kind, class Place>
class bare_channel : public Kind, public actor {
 public:
  using loop_type = typename Kind::loop_type;

  bare_channel(loop_type& loop, director& world, casting wanted)
      : Kind(loop), actor(world, std::move(wanted.name)) {
    if constexpr (requires { this->set_file(wanted.fd); }) {
      this->set_file(wanted.fd);
    } else if (wanted.connection) {
      this->set_socket(std::move(wanted.connection));
    }
  }

  int fd() const override { return this->native_handle(); }
  std::string state() const override {
    std::string words = this->registered() ? "in" : "out";
    if constexpr (requires { this->accepting(); }) {
      if (this->connected()) words += " connected";
      if (this->accepting()) words += " accepting";
      if (this->connecting()) words += " connecting";
    }
    return "state(" + words + ")";
  }
  void do_close() override { this->derived().close(); }
  void do_del() override { this->del_channel(); }
  void do_add() override { this->add_channel(); }
  void do_rearm() override { this->rearm(); }
  void do_event(std::string_view which) override {
    if (which == "read") return this->derived().handle_read_event();
    if (which == "write") return this->derived().handle_write_event();
    this->derived().handle_expt_event();
  }
  void do_readwrite(asyncore::readiness ready) override { this->loop().readwrite(*this, ready); }
  void do_send(std::string_view data) override { (void)this->send(data); }
  void do_create_socket(int family) override {
    if constexpr (requires { this->create_socket(family); }) this->create_socket(family);
  }
  void do_listen() override {
    using role = std::remove_cvref_t<decltype(this->derived())>;
    if constexpr (asyncore::detail::calls_handle_accepted<role> ||
                  requires { role::accepts_by_itself; }) {
      this->set_reuse_addr();
      this->bind(asyncore::endpoint::parse("127.0.0.1:0"));
      this->listen(16);
    }
  }
  void do_connect(const asyncore::endpoint& to) override {
    if constexpr (requires { this->connect(to); }) this->connect(to);
  }
};

/// The hooks that all kinds have.
template <class Base, class Place>
class traced : public Base {
 public:
  using Base::Base;

  static constexpr auto predicates = Place::predicates;
  bool readable() const {
    this->ask("readable");
    return this->wants_read;
  }

  void handle_close() {
    if (this->hook("close")) Base::handle_close();
  }
  void handle_error() {
    if (this->hook("error " + error_name(this->loop().last_error()))) Base::handle_error();
  }
  void log(std::string_view message) { this->world_.logged(*this, message); }
};

/// The hooks of sockets.
template <class Base>
class with_socket_hooks : public Base {
 public:
  using Base::Base;

  void handle_connect() { this->hook("connect"); }
  void handle_expt() {
    char byte = 0;
    const auto n = ::recv(this->native_handle(), &byte, 1, MSG_OOB);
    this->hook("expt", std::string_view(&byte, n > 0 ? 1 : 0));
  }

 protected:
  void take(asyncore::socket peer) {
    this->accepted = std::move(peer);
    this->hook("accepted");
    this->accepted.reset();
  }
};

template <class Base>
class with_accepted : public Base {
 public:
  using Base::Base;
  void handle_accepted(asyncore::socket peer, asyncore::endpoint) { this->take(std::move(peer)); }
};

template <class Base>
class with_accept : public Base {
 public:
  using Base::Base;
  static constexpr bool accepts_by_itself = true;
  void handle_accept() {
    if (auto pair = this->accept()) this->take(std::move(pair->first));
  }
};

/// Receives by `recv`.
template <class Base, bool ByData>
class with_read : public Base {
 public:
  using Base::Base;
  void handle_read() {
    std::byte buffer[8192];
    if (const auto got = this->recv(buffer); got.bytes() > 0)
      this->hook("read", as_text(std::span(buffer, got.bytes())));
  }
};

/// Is given what arrives.
template <class Base>
class with_read<Base, true> : public Base {
 public:
  using Base::Base;
  void handle_data(std::span<const std::byte> data) { this->hook("read", as_text(data)); }
};

template <class Base>
class with_write : public Base {
 public:
  using Base::Base;
  bool writable() const {
    this->ask("writable");
    return this->wants_write;
  }
  void handle_write() { this->hook("write"); }
};

template <class Base>
class with_closing : public Base {
 public:
  using Base::Base;
  void close() {
    this->hook("closing");
    Base::close();
  }
};

/// The hooks and the verbs of async_chat.
template <class Base>
class with_chat : public Base {
 public:
  with_chat(typename Base::loop_type& loop, director& world, casting wanted)
      : Base(loop, world, std::move(wanted)) {
    this->set_terminator('\n');
  }
  void collect_incoming_data(std::span<const std::byte> data) {
    this->hook("collect", as_text(data));
  }
  void found_terminator() { this->hook("found"); }

  void do_push(std::string_view data) override { this->push(data); }
  void do_produce(std::vector<word> items) override {
    this->push_with_producer(item_producer{std::move(items)});
  }
  void do_simple(std::string data, std::size_t size) override {
    this->push_with_producer(asyncore::simple_producer(std::move(data), size));
  }
  void do_done() override { this->close_when_done(); }
  void do_discard() override { this->discard_buffers(); }
  void do_terminate(std::string_view text) override { this->set_terminator(text); }
  void do_terminate(std::optional<long> number) override {
    if (number) {
      this->set_terminator(*number);
    } else {
      this->set_terminator(nullptr);
    }
  }
};

// The classes of channels.py. `Place` names the loop and how channels are written for it.

template <class P, class Derived>
using dispatcher_of =
    with_socket_hooks<traced<bare_channel<asyncore::dispatcher<Derived, typename P::loop>, P>, P>>;
template <class P, class Derived>
using sending_of =
    traced<bare_channel<asyncore::dispatcher_with_send<Derived, typename P::loop>, P>, P>;
template <class P, class Derived>
using chat_of = traced<bare_channel<asyncore::async_chat<Derived, typename P::loop>, P>, P>;
template <class P, class Derived>
using file_of = with_read<
    traced<bare_channel<asyncore::file_dispatcher<Derived, typename P::loop>, P>, P>, P::by_data>;

#define ORACLE_CHANNEL(NAME, ...)              \
  template <class P>                           \
  class NAME : public __VA_ARGS__ {            \
    using base = __VA_ARGS__;                  \
                                               \
   public:                                     \
    using base::base;                          \
  }

ORACLE_CHANNEL(quiet, with_read<with_accepted<dispatcher_of<P, quiet<P>>>, P::by_data>);
ORACLE_CHANNEL(writer,
               with_write<with_read<with_accepted<dispatcher_of<P, writer<P>>>, P::by_data>>);
ORACLE_CHANNEL(acceptor, with_read<with_accept<dispatcher_of<P, acceptor<P>>>, P::by_data>);
ORACLE_CHANNEL(stubborn, with_closing<with_read<dispatcher_of<P, stubborn<P>>, P::by_data>>);
ORACLE_CHANNEL(bare, bare_channel<asyncore::dispatcher<bare<P>, typename P::loop>, P>);
ORACLE_CHANNEL(sending, with_read<with_socket_hooks<sending_of<P, sending<P>>>, P::by_data>);
ORACLE_CHANNEL(file, file_of<P, file<P>>);
ORACLE_CHANNEL(file_writer, with_write<file_of<P, file_writer<P>>>);
ORACLE_CHANNEL(chat, with_chat<with_socket_hooks<chat_of<P, chat<P>>>>);
#undef ORACLE_CHANNEL

}  // namespace oracle
