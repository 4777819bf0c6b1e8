// SPDX-License-Identifier: BSL-1.0
// A traced channel and its loop, as the interpreter of scenarios sees them.
#pragma once

#include "script.hpp"

#include <asyncore/chat/splitter.hpp>
#include <asyncore/sys/endpoint.hpp>
#include <asyncore/sys/socket.hpp>
#include <asyncore/word/interest.hpp>
#include <asyncore/word/timeout.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace oracle {

class actor;

/// What the hooks of an actor report to.
class director {
 public:
  /// Traces the hook, and does what the scenario wants done in it. Returns false when the hook is
  /// not to do what it does by default.
  virtual bool hook(actor& of, std::string_view hook, std::optional<std::string_view> data) = 0;
  /// The predicate is asked; the scenario may want something done in it.
  virtual void ask(const actor& of, std::string_view predicate) = 0;
  virtual void logged(const actor& of, std::string_view message) = 0;
  virtual void gone(actor& of) = 0;

 protected:
  ~director() = default;
};

/// A channel of any kind. Its name stays when it has closed.
class actor {
 public:
  actor(director& world, std::string name) : world_(world), name_(std::move(name)) {}
  actor(const actor&) = delete;
  actor& operator=(const actor&) = delete;
  virtual ~actor() { world_.gone(*this); }

  const std::string& name() const { return name_; }
  bool hook(std::string_view what, std::optional<std::string_view> data = {}) {
    return world_.hook(*this, what, data);
  }

  void ask(std::string_view predicate) const { world_.ask(*this, predicate); }

  virtual int fd() const = 0;
  virtual std::string state() const = 0;
  virtual void do_close() = 0;
  virtual void do_del() = 0;
  virtual void do_add() = 0;
  virtual void do_rearm() = 0;
  virtual void do_event(std::string_view which) = 0;
  virtual void do_readwrite(asyncore::readiness ready) = 0;
  virtual void do_send(std::string_view data) = 0;
  virtual void do_create_socket(int) { refuse("create_socket"); }
  virtual void do_listen() { refuse("listen"); }
  virtual void do_connect(const asyncore::endpoint&) { refuse("connect"); }
  virtual void do_push(std::string_view) { refuse("push"); }
  virtual void do_produce(std::vector<word>) { refuse("produce"); }
  virtual void do_simple(std::string, std::size_t) { refuse("simple"); }
  virtual void do_done() { refuse("done"); }
  virtual void do_discard() { refuse("discard"); }
  virtual void do_terminate(std::string_view) { refuse("terminator"); }
  virtual void do_terminate(std::optional<long>) { refuse("terminator"); }

  bool wants_read = true, wants_write = true;      // what the predicates say
  std::optional<asyncore::socket> accepted;        // in handle_accepted, until it is adopted

 protected:
  director& world_;

 private:
  void refuse(std::string_view what) const {
    stop(name_ + " cannot " + std::string(what));
  }

  std::string name_;
};

/// What a new channel is to be, in the words of channels.py.
struct casting {
  std::string name, kind = "dispatcher", hooks = "quiet";
  int fd = -1;                     // of a file, which is duplicated
  asyncore::socket connection{};   // taken over
};

/// A loop with any poller and map.
class stage {
 public:
  virtual ~stage() = default;
  virtual actor& cast(director& world, casting wanted) = 0;
  virtual void poll(asyncore::timeout_type timeout) = 0;
  virtual void run(asyncore::timeout_type timeout, std::optional<std::uint64_t> count) = 0;
  virtual std::size_t size() const = 0;
  virtual void close_all(bool ignore_errors) = 0;
};

}  // namespace oracle
