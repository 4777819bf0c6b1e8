// SPDX-License-Identifier: BSL-1.0
/// A connection of an HTTP server.
#pragma once

#include <asyncore.hpp>
#include <span>
#include <string>
#include <string_view>

#include "http_reply.hpp"
#include "http_request.hpp"
#include "limits.hpp"
#include "patient_connection.hpp"

inline const http_reply bad_request("400 Bad Request", "This is not a request of HTTP/1.1.\n");
inline const http_reply not_allowed("405 Method Not Allowed", "There is only GET and HEAD.\n",
                                    "Allow: GET, HEAD\r\n");
inline const http_reply too_slow("408 Request Timeout", "The request took too long.\n");
inline const http_reply too_long("431 Request Header Fields Too Large", "The head is too long.\n");

/// `Derived` defines `handle_request(const http_request&)`, a GET or HEAD, and answers it there by
/// `reply`. Other requests are refused. A peer that sends many requests at once and does not read
/// the answers costs `limits.waiting` bytes and an answer: the other requests wait.
template <class Derived, class Loop>
class http_connection : public patient_connection<Derived, Loop> {
  using base = patient_connection<Derived, Loop>;

 public:
  using base::base;

  void handle_data(std::span<const std::byte> data) {
    std::string_view input = asyncore::as_text(data);
    if (unfinished_.empty()) [[likely]] {
      this->set_deadline(limits.patience);
      if (answer_all(input)) [[likely]]
        return;
    } else {  // the rest of a head gets no more time
      input = unfinished_.append(input);
      const std::size_t size = input.size();
      answer_all(input);
      if (input.size() < size) this->set_deadline(limits.patience);
    }
    unfinished_.assign(input);  // which may be a part of it
  }

  // Nothing more is read while requests wait.
  bool readable() const { return !holds_ && base::readable(); }
  bool writable() const { return holds_; }

  // The requests that wait are answered when the peer has read enough.
  void handle_write() {
    if (this->queued() >= limits.waiting) return;
    this->set_deadline(limits.patience);
    std::string_view input = unfinished_;
    answer_all(input);
    unfinished_.assign(input);
  }

  // A peer that has sent all it has still gets its responses.
  void handle_close() { this->close_when_done(); }

  // Who does not read would not read this either.
  void handle_timeout() {
    if (unfinished_.empty() || this->queued() > 0) return base::handle_timeout();
    if (holds_) return this->abort();  // the kernel has all answers, and takes no more
    std::string_view head = unfinished_;
    reply(http_request(head), too_slow);
    unfinished_.clear();
    this->set_deadline(limits.patience);
  }

  // What has come is answered, and so is a first request that is on its way.
  void handle_drain() {
    last_ = true;
    this->handle_read_event();
    if (answered_ && unfinished_.empty()) this->leave();
  }

 protected:
  /// To be called once for a request. Behind the last response it closes with care: while there is
  /// unread input, close() would make the kernel reset the connection, and the peer could lose the
  /// response (RFC 9112, 9.6).
  void reply(const http_request& request, const http_reply& with) {
    answered_ = true;
    given_ += with.head.size() + with.body.size();
    last_ = last_ || !request.keep_alive();
    this->send(with.head);
    if (last_) [[unlikely]]
      this->send("Connection: close\r\n");
    else if (request.is_http_1_0()) [[unlikely]]
      this->send("Connection: keep-alive\r\n");
    this->send(http_date());
    if (request.method() != "HEAD") this->send(with.body);
    if (last_) this->close_when_done();
  }

 private:
  /// Takes off `input` the requests that are complete, until too much waits for the peer, or others
  /// should have their turn; true when nothing is left.
  bool answer_all(std::string_view& input) {
    holds_ = false;
    given_ = 0;
    do {
      const http_request request(input);
      if (request.result() == http_lines::outcome::unfinished) return input.empty();
      answer(request);
    } while (!last_ && !input.empty() && given_ < limits.waiting &&
             this->queued() < limits.waiting);
    if (last_) input = {};
    holds_ = !input.empty();
    return input.empty();
  }

  void answer(const http_request& request) {
    if (request.result() == http_lines::outcome::malformed) return reply(request, bad_request);
    if (request.result() == http_lines::outcome::too_long) return reply(request, too_long);
    if (request.method() != "GET" && request.method() != "HEAD") return reply(request, not_allowed);
    this->derived().handle_request(request);
  }

  std::string unfinished_;  // the beginning of a request
  std::size_t given_ = 0;   // bytes of answers, since it began to answer
  bool answered_ = false;   // some request
  bool last_ = false;       // the next answer, or the one that was given
  bool holds_ = false;      // requests wait in `unfinished_` until the peer has read
};
