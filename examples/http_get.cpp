// SPDX-License-Identifier: BSL-1.0
// Fetches a page from an HTTP server and prints its body.
#include <asyncore.hpp>
#include <chrono>
#include <cstdio>
#include <optional>
#include <stdexcept>
#include <string>

#include "support/http_response.hpp"
#include "support/http_url.hpp"
#include "support/parse_options.hpp"

/// One attempt at one address. It names no loop, so it is in this thread's.
class fetch : public asyncore::dispatcher_with_send<fetch> {
 public:
  fetch(const asyncore::endpoint& where, const http_url& url) {
    try {
      create_socket(where.family());
      connect(where);
      send("GET " + url.target + " HTTP/1.0\r\nHost: " + url.authority +
           "\r\nConnection: close\r\n\r\n");  // leaves when the connection is there
    } catch (const std::exception& e) {
      end(e.what());
    }
  }

  bool over() const { return native_handle() < 0; }
  /// Whether there was a server at the address.
  bool reached() const { return reached_; }
  /// What went wrong; empty when nothing did.
  const std::string& failure() const { return failure_; }

  void handle_connect() { reached_ = true; }

  void handle_data(std::span<const std::byte> data) {
    std::string_view input = asyncore::as_text(data);
    if (!in_body_) {
      input = head_.append(input);
      if (!take_head(input)) return;
    }
    if (missing_) {
      input = input.substr(0, *missing_);
      *missing_ -= input.size();
    }
    if (std::fwrite(input.data(), 1, input.size(), stdout) != input.size())
      end("cannot write the body");
    else if (missing_ == 0u)
      end("");
  }

  void handle_close() {
    std::error_code reset;
    shutdown(SHUT_WR, reset);  // cannot be done to a connection that was reset
    if (reset)
      end("the connection was reset");
    else if (!in_body_)
      end(head_.empty() ? "there was no response" : "the head of the response breaks off");
    else if (missing_)
      end("the body breaks off " + std::to_string(*missing_) + " bytes before its end");
    else
      end("");
  }

  void handle_error() {
    try {
      throw;
    } catch (const std::exception& e) {
      end(e.what());
    }
  }

 private:
  /// True when the head is complete and promises a body, which is then `input`.
  bool take_head(std::string_view& input) {
    const http_response response(input);
    if (response.result() == http_lines::outcome::unfinished) return false;
    if (response.result() != http_lines::outcome::complete) {
      end("the response is not one of HTTP/1.x");
    } else if (!response.is_success()) {
      end(std::string(response.status()));
    } else {
      missing_ = response.content_length();
      in_body_ = true;
    }
    return in_body_;
  }

  void end(const std::string& failure) {
    failure_ = failure;
    close();
  }

  bool reached_ = false;
  bool in_body_ = false;
  std::string head_;
  std::optional<std::uint64_t> missing_;  // of the body, if the server told its length
  std::string failure_;
};

/// Tries the addresses of the host in turn. Throws when none gave the page.
void get(const http_url& url, std::chrono::duration<double> patience) {
  using clock = std::chrono::steady_clock;
  const std::vector<asyncore::endpoint> addresses = url.resolve();
  const auto deadline = clock::now() + std::chrono::duration_cast<clock::duration>(patience);
  std::string failure;
  for (const asyncore::endpoint& where : addresses) {
    fetch attempt(where, url);
    while (!attempt.over()) {
      const auto left = deadline - clock::now();
      if (left <= clock::duration::zero()) throw std::runtime_error("it took too long");
      asyncore::poll(left);
    }
    failure = attempt.failure();
    if (attempt.reached()) break;
  }
  if (!failure.empty()) throw std::runtime_error(failure);
  if (std::fflush(stdout) != 0) throw std::runtime_error("cannot write the body");
}

int main(int argc, char** argv) {
  std::string url;
  double seconds = 30;
  CLI::App app("Prints the page at a URL.");
  app.add_option("URL", url, "http://HOST[:PORT][/PATH][?QUERY]")->required();
  app.add_option("--timeout", seconds, "Seconds to wait for all of the page")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 86400.0));
  parse_options(app, argc, argv);

  try {
    get(http_url(url), std::chrono::duration<double>(seconds));
    return 0;
  } catch (const std::invalid_argument& e) {
    std::fprintf(stderr, "http_get: %s\n", asyncore::detail::printable(e.what()).c_str());
    return 2;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "http_get: %s\n", asyncore::detail::printable(e.what()).c_str());
    return 1;
  }
}
