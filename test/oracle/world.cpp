// SPDX-License-Identifier: BSL-1.0
// The interpreter itself, and what it does with loops and channels.
#include "world.hpp"

#include "errors.hpp"

#include <fcntl.h>

#include <chrono>
#include <cstdlib>

namespace oracle {

using namespace std::chrono_literals;
using clock = std::chrono::steady_clock;

const std::map<std::string_view, world::verb> world::verbs = {
    {"map", &world::do_map},         {"turn", &world::do_turn},
    {"run", &world::do_run},         {"idle", &world::do_idle},
    {"until", &world::do_until},     {"size", &world::do_size},
    {"close_all", &world::do_close_all},
    {"socket", &world::do_socket},   {"listen", &world::do_listen},
    {"client", &world::do_client},   {"connect", &world::do_connect},
    {"pair", &world::do_pair},       {"adopt", &world::do_adopt},
    {"pipe", &world::do_pipe},       {"file", &world::do_file},
    {"content", &world::do_content}, {"rawlisten", &world::do_rawlisten},
    {"rawaccept", &world::do_rawaccept},
    {"dial", &world::do_dial},       {"dup", &world::do_dup},
    {"send", &world::do_send},       {"oob", &world::do_oob},
    {"shutdown", &world::do_shutdown},
    {"reset", &world::do_reset},     {"close", &world::do_close},
    {"recv", &world::do_recv},       {"eof", &world::do_eof},
    {"take", &world::do_take},       {"keep", &world::do_keep},
    {"raise", &world::do_raise},     {"note", &world::do_note},
    {"state", &world::do_state},     {"pause", &world::do_pause},
    {"resume", &world::do_resume},   {"mute", &world::do_mute},
    {"unmute", &world::do_unmute},   {"readwrite", &world::do_readwrite},
    {"terminator", &world::do_terminator},
    {"produce", &world::do_produce},
};

std::vector<std::string> world::play() {
  do_map({{"0"}});
  for (const action& step : script_.steps)
    guarded(step.size() > 1 && !step[1].quoted ? step[1].text : "loop", [&] { perform(step); });
  return trace_.lines();
}

void world::perform(const action& a) {
  const words w(a.begin() + 1, a.end());
  const auto found = verbs.find(a[0].text);
  if (found == verbs.end()) return on_actor(a[0].text, w);
  (this->*found->second)(w);
}

/// What leaves a call is a part of the trace.
template <class Call>
void world::guarded([[maybe_unused]] const std::string& name, Call call) {
#if ASYNCORE_HAS_EXCEPTIONS
  try {
    call();
  } catch (const unplayable&) {
    throw;
  } catch (...) {
    trace_.add(name, "raises " + error_name({}));
  }
#else
  call();
#endif
}

bool world::hook(actor& of, std::string_view hook, std::optional<std::string_view> data) {
  // Restored on every way out.
  struct scope {
    world& self;
    actor* const before = self.acting_;
    ~scope() {
      self.acting_ = before;
      self.keeping_ = false;
    }
  } const restore{*this};
  const std::string name = of.name();
  const int calls = trace_.add(name, hook, data);
  acting_ = &of;
  keeping_ = false;
  const auto found =
      script_.reactions.find({name, std::string(hook.substr(0, hook.find(' ')))});
  if (found != script_.reactions.end())
    for (const scenario::reaction& r : found->second)
      if (r.number == 0 || r.number == calls)
        for (const action& a : r.actions) perform(a);
  return !keeping_;
}

void world::ask(const actor& of, std::string_view predicate) {
  const auto found = script_.reactions.find({of.name(), std::string(predicate)});
  if (found == script_.reactions.end()) return;
  for (const scenario::reaction& r : found->second)
    for (const action& a : r.actions) perform(a);
}

// The loop.

void world::do_map(const words& w) {
  std::unique_ptr<stage>& named = stages_[w[0].text];
  if (!named) named = make_stage_();
  stage_ = named.get();
}

void world::turn(asyncore::timeout_type timeout) {
  guarded("loop", [&] { stage_->poll(timeout); });
}

void world::do_turn(const words& w) {
  for (int left = w.empty() ? 1 : std::stoi(w[0].text); left > 0; --left) turn(0ns);
}

void world::do_run(const words& w) {
  std::chrono::milliseconds timeout = 9000ms;
  std::optional<std::uint64_t> count;
  for (const word& option : w) {
    const int value = std::stoi(option.text.substr(option.text.find('=') + 1));
    if (option.text[0] == 't') timeout = std::chrono::milliseconds(value);
    if (option.text[0] == 'c') count = static_cast<std::uint64_t>(value);
  }
  const auto start = clock::now();
  guarded("loop", [&] { stage_->run(timeout, count); });
  trace_.add("loop", clock::now() - start >= timeout ? "waited" : "returned");
}

/// Turns until two in a row have called no hook.
void world::do_idle(const words&) {
  for (int turns = 0, quiet = 0; turns < 100 && quiet < 2; ++turns) {
    const std::size_t before = trace_.total;
    turn(0ns);
    quiet = trace_.total == before ? quiet + 1 : 0;
  }
}

/// Turns until CHANNEL has had the hook so often, or got so many `bytes`.
void world::do_until(const words& w) {
  const std::size_t number = w.size() > 2 ? std::stoul(w[2].text) : 1;
  const auto deadline = clock::now() + std::chrono::milliseconds(patience);
  while (trace_.count(w[0].text, w[1].text) < number) {
    if (clock::now() > deadline) stop("no " + w[1].text + " on " + w[0].text);
    turn(50ms);
  }
}

void world::do_size(const words&) {
  trace_.add("loop", "size " + std::to_string(stage_->size()));
}

void world::do_close_all(const words& w) {
  guarded("loop", [&] { stage_->close_all(!w.empty()); });
}

// New channels.

actor* world::find(const std::string& name) const {
  const auto found = actors_.find(name);
  return found == actors_.end() ? nullptr : found->second;
}

actor& world::cast(const words& w, casting wanted) {
  wanted.name = w[0].text;
  for (const word& option : w) {
    for (const std::string_view kind : {"dispatcher", "sending", "file", "chat"})
      if (option == kind) wanted.kind = kind;
    for (const std::string_view hooks : {"quiet", "writer", "acceptor", "stubborn", "bare"})
      if (option == hooks) wanted.hooks = hooks;
  }
  actor& made = stage_->cast(*this, std::move(wanted));
  actors_[made.name()] = &made;
  return made;
}

void world::create_socket(const words& w, int family) { cast(w).do_create_socket(family); }
void world::do_socket(const words& w) { create_socket(w, AF_INET); }

void world::do_listen(const words& w) {
  do_socket(w);
  find(w[0].text)->do_listen();
}

asyncore::endpoint world::address(const std::string& target) {
  if (const actor* a = find(target)) return name_of(a->fd());
  if (const auto found = peers_.find(target); found != peers_.end())
    return name_of(found->second.fd());
  if (target == "unreachable") return asyncore::endpoint::parse("224.0.0.1:1");
  if (target == "missing")
    return asyncore::endpoint::parse("unix:" + (directory_ / "missing").string());
  if (target != "refused") stop("what is " + target + "?");
  // Bound, and nobody listens.
  peers_[target] = peer(bound_socket(asyncore::endpoint::parse("127.0.0.1:0")));
  return address(target);
}

void world::do_client(const words& w) {
  create_socket(w, address(w[1].text).family());
  do_connect(w);
}

void world::do_connect(const words& w) {
  actor* const a = find(w[0].text);
  if (a == nullptr) return;
  a->do_connect(address(w[1].text));
  wait_for(a->fd(), POLLOUT);
}

void world::do_pair(const words& w) {
  bool tcp = false;
  for (const word& option : w) tcp = tcp || option == "tcp";
  auto [near, far] = connected_pair(tcp);
  peers_[w[1].text] = peer(std::move(far));
  casting wanted;
  wanted.connection = asyncore::socket(std::move(near));
  cast(w, std::move(wanted));
}

void world::do_adopt(const words& w) {
  casting wanted;
  wanted.connection = std::move(*acting_->accepted);
  cast(w, std::move(wanted));
}

void world::do_pipe(const words& w) {
  int ends[2];
  checked(::pipe(ends), "pipe");
  const bool reads = w[2] == "read";
  peers_[w[1].text] = peer(asyncore::unique_fd(ends[reads ? 1 : 0]));
  const asyncore::unique_fd near(ends[reads ? 0 : 1]);
  casting wanted;
  wanted.kind = "file";
  wanted.fd = near.get();
  cast(w, std::move(wanted));
}

void world::do_file(const words& w) {
  const std::filesystem::path path = directory_ / "file";
  std::ofstream(path) << w[1].text;
  const asyncore::unique_fd fd(checked(::open(path.c_str(), O_RDWR | O_CLOEXEC), "open"));
  casting wanted;
  wanted.kind = "file";
  wanted.fd = fd.get();
  cast(w, std::move(wanted));
}

void world::do_content(const words& w) {
  std::ifstream file(directory_ / "file");
  const std::string content(std::istreambuf_iterator<char>(file), {});
  trace_.add(w[0].text, "content", content);
}

// What channels do.

void world::do_raise(const words& w) { throw_named(w[0].text); }

void world::do_state(const words& w) {
  const actor* const a = find(w[0].text);
  trace_.add(w[0].text, a == nullptr ? "state(out)" : a->state());
}

void world::set(bool actor::*flag, bool value, const std::string& name) {
  actor* const a = find(name);
  if (a == nullptr) return;
  a->*flag = value;
  a->do_rearm();
}

void world::do_readwrite(const words& w) {
  static const std::map<std::string_view, asyncore::readiness> names = {
      {"in", asyncore::readiness::read},   {"pri", asyncore::readiness::expt},
      {"out", asyncore::readiness::write}, {"err", asyncore::readiness::error},
      {"hup", asyncore::readiness::hangup}};
  actor* const a = find(w[0].text);
  if (a == nullptr) return;
  asyncore::readiness ready = asyncore::readiness::none;
  for (std::size_t i = 1; i < w.size(); ++i) ready = ready | names.at(w[i].text);
  guarded("loop", [&] { a->do_readwrite(ready); });
}

void world::do_terminator(const words& w) {
  actor* const a = find(w[0].text);
  if (a == nullptr) return;
  if (w[1].quoted) return a->do_terminate(w[1].text);
  a->do_terminate(w[1] == "none" ? std::optional<long>() : std::stol(w[1].text));
}

void world::do_produce(const words& w) {
  if (actor* const a = find(w[0].text)) a->do_produce({w.begin() + 1, w.end()});
}

/// The verbs that have no other meaning.
void world::on_actor(std::string_view name, const words& w) {
  actor* const a = w.empty() ? nullptr : find(w[0].text);
  if (a == nullptr) return;
  if (name == "del") return a->do_del();
  if (name == "add") return a->do_add();
  if (name == "event") return a->do_event(w[1].text);
  if (name == "push") return a->do_push(w[1].text);
  if (name == "simple") return a->do_simple(w[1].text, std::stoul(w[2].text));
  if (name == "done") return a->do_done();
  if (name == "discard") return a->do_discard();
  stop("what is " + std::string(name) + "?");
}

}  // namespace oracle
