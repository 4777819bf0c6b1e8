// SPDX-License-Identifier: BSL-1.0
/// What hooks borrow of their loop: bytes to receive into, a stage for what they send, blocks.
#ifndef ASYNCORE_LOOP_BUFFERS_HPP
#define ASYNCORE_LOOP_BUFFERS_HPP

#include <asyncore/buffer/cork.hpp>
#include <asyncore/buffer/out_queue.hpp>
#include <asyncore/buffer/receive_buffer.hpp>
#include <asyncore/word/bytes.hpp>
#include <asyncore/word/config.hpp>

namespace asyncore::detail {

class loop_buffers {
 public:
  /// The buffer of `handle_data`, where it has been made. It is in use while the stage is open.
  const receive_buffer& own() const noexcept { return own_; }

  /// A buffer that nobody uses. Throws bad_alloc.
  receive_loan<ASYNCORE_DEBUG != 0> lend() { return {own_, stage_.is_open()}; }

  /// What the hook that reads now has sent.
  send_stage& stage() noexcept { return stage_; }
  /// Adds bytes to what the owner of the stage sends at the end of its hook; false when there is no
  /// room. Throws bad_alloc.
  bool stage_bytes(bytes_view bytes) { return stage_.append(bytes, own_.place()); }

  /// For out-queues.
  block_pool& blocks() noexcept { return blocks_; }

 private:
  receive_buffer own_;  // beside what else a read event needs
  send_stage stage_;
  block_pool blocks_;
};

}  // namespace asyncore::detail

#endif
