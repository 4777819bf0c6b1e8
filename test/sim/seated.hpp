// SPDX-License-Identifier: BSL-1.0
/// What the channels under test have in common.
#pragma once

#include "../support/matrix.hpp"
#include "stage.hpp"

namespace test::sim {

template <class Place>
struct echo;
template <class Place>
struct raw;
template <class Place>
struct chat;
template <class Place>
struct listener;
template <class Place>
struct connector;
template <class Place>
struct pipe_writer;
template <class Place>
struct pipe_reader;
template <class Place>
struct watcher;
template <class Place>
struct datagrams;

template <class Place>
using loop_of = typename Place::template loop<echo<Place>, raw<Place>, chat<Place>,
                                              listener<Place>, connector<Place>,
                                              pipe_writer<Place>, pipe_reader<Place>,
                                              watcher<Place>, datagrams<Place>>;

/// The part of a seat that is the same for all channels; `talk` checks what they hear and say.
template <class Derived>
struct seated : seat {
  seated(stage& s, conversation& c, std::string_view name, bool connected)
      : on(s), talk(s, c, name, connected) {
    on.enter(*this);
  }
  ~seated() override { on.leave(*this); }
  void pause(bool now) override {
    if (paused == now) return;
    on.kernel.trace().remark(now ? "paused" : "goes on");
    paused = now;
    if constexpr (requires(Derived& d) { d.pause_reading(); })
      if (by_call) return now ? self().pause_reading() : self().resume_reading();
    self().rearm();
  }
  void read_on() override { self().loop().readwrite(self(), asyncore::readiness::read); }
  void shut() override {
    talk.spoil();
    self().close();
  }
  void cut_off() override {
    if constexpr (requires(Derived& d) { d.abort(); }) {
      on.kernel.trace().remark("abort");
      const auto* const n = on.kernel.at(self().native_handle());
      if (n != nullptr && !n->local && n->state == asyncore::stream_state::connected &&
          !n->write_over)
        talk.aborted();
      talk.spoil();
      self().abort();
    } else {
      shut();
    }
  }
  /// Some stop reading by `pause_reading`, the others by what `readable` says, if they define that.
  void choose_how_to_pause() { by_call = on.with.watermarks && on.random.chance(32768); }
  bool says_readable() const { return !paused || by_call; }
  /// Bytes have come by `handle_data` or `recv`. Returns what is to be answered.
  std::span<const std::byte> heard(std::span<const std::byte> data) {
    if constexpr (requires(Derived& d) { d.reading_paused(); })
      if (self().reading_paused()) talk.object("reads although it has paused");
    return talk.received(data);
  }
  void fail() {
    on.report(self().loop().last_error());
    shut();
  }
  Derived& self() { return static_cast<Derived&>(*this); }

  stage& on;
  speaker talk;
  bool paused = false;
  bool by_call = false;
};

}  // namespace test::sim
