// SPDX-License-Identifier: BSL-1.0
#include <asyncore/buffer/out_queue.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <random>
#include <string>
#include <vector>

namespace {

using asyncore::block_pool;
using asyncore::out_block;
using asyncore::out_queue;

using pieces_type = std::array<iovec, out_queue::most_pieces>;

// What `pieces` gives, in one string.
std::string first_bytes(const out_queue& queue) {
  pieces_type pieces;
  std::string all;
  for (std::size_t i = 0, count = queue.pieces(pieces); i < count; ++i) {
    BOOST_REQUIRE_GT(pieces[i].iov_len, 0u);
    all.append(static_cast<const char*>(pieces[i].iov_base), pieces[i].iov_len);
  }
  return all;
}

std::string noise(std::mt19937& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

struct filled {
  ~filled() { queue.clear(pool); }
  block_pool pool;
  out_queue queue;
};

BOOST_AUTO_TEST_SUITE(out_queues)

BOOST_AUTO_TEST_CASE(are_empty_at_first) {
  filled f;
  pieces_type pieces;
  BOOST_TEST(f.queue.empty());
  BOOST_TEST(f.queue.size() == 0u);
  BOOST_TEST(f.queue.pieces(pieces) == 0u);
  f.queue.append("", f.pool);
  BOOST_TEST(f.queue.empty());
  f.queue.consume(0, f.pool);
  f.queue.clear(f.pool);
  BOOST_TEST(f.queue.empty());
}

BOOST_AUTO_TEST_CASE(are_empty_again_when_all_is_consumed) {
  for (const std::size_t size : {std::size_t{1}, out_block::capacity(), out_block::capacity() + 1,
                                 3 * out_block::capacity()}) {
    filled f;
    f.queue.append(std::string(size, 'x'), f.pool);
    BOOST_TEST(f.queue.size() == size);
    f.queue.consume(size, f.pool);
    BOOST_TEST(f.queue.empty());
    f.queue.append("again", f.pool);
    BOOST_TEST(first_bytes(f.queue) == "again");
  }
}

BOOST_AUTO_TEST_CASE(give_a_bounded_number_of_pieces) {
  filled f;
  std::mt19937 random(3);
  const std::string all = noise(random, (out_queue::most_pieces + 5) * out_block::capacity());
  f.queue.append(all, f.pool);
  pieces_type pieces;
  BOOST_TEST(f.queue.pieces(pieces) == out_queue::most_pieces);
  BOOST_TEST((first_bytes(f.queue) ==
              all.substr(0, out_queue::most_pieces * out_block::capacity())));
}

BOOST_AUTO_TEST_CASE(agree_with_a_string, *boost::unit_test::label("native")) {
  for (unsigned seed = 0; seed < 20; ++seed) {
    std::mt19937 random(seed);
    filled f;
    std::string model;
    for (int step = 0; step < 400; ++step) {
      // Sizes around the block's edges are as likely as small ones.
      const std::size_t most =
          std::array<std::size_t, 4>{8, out_block::capacity(), out_block::capacity() + 2,
                                     3 * out_block::capacity()}[random() % 4];
      if (random() % 2 == 0) {
        const std::string bytes = noise(random, most - random() % 3);
        f.queue.append(bytes, f.pool);
        model += bytes;
      } else if (const std::size_t n = std::min(most, model.size()); random() % 40 == 0) {
        f.queue.clear(f.pool);
        model.clear();
      } else {
        f.queue.consume(n, f.pool);
        model.erase(0, n);
      }
      BOOST_REQUIRE_EQUAL(f.queue.size(), model.size());
      BOOST_REQUIRE_EQUAL(f.queue.empty(), model.empty());
      const std::string first = first_bytes(f.queue);
      BOOST_REQUIRE(first == std::string_view(model).substr(0, first.size()));
      BOOST_REQUIRE(first.size() == model.size() ||
                    first.size() >= (out_queue::most_pieces - 2) * out_block::capacity());
    }
  }
}

// A send may still be under way.
BOOST_AUTO_TEST_CASE(do_not_move_bytes_when_more_is_appended) {
  filled f;
  f.queue.append("first", f.pool);
  pieces_type before, after;
  BOOST_REQUIRE_EQUAL(f.queue.pieces(before), 1u);
  for (int i = 0; i < 100; ++i) f.queue.append(std::string(1000, 'x'), f.pool);
  f.queue.pieces(after);
  BOOST_TEST(before[0].iov_base == after[0].iov_base);
  f.queue.consume(2, f.pool);
  f.queue.append(std::string(1000, 'x'), f.pool);
  f.queue.pieces(after);
  BOOST_TEST(static_cast<char*>(before[0].iov_base) + 2 == after[0].iov_base);
}

BOOST_AUTO_TEST_CASE(share_a_pool) {
  block_pool pool;
  out_queue a, b;
  a.append(std::string(10'000, 'a'), pool);
  b.append(std::string(10'000, 'b'), pool);
  a.consume(9'000, pool);
  b.append("b", pool);
  a.append("a", pool);
  BOOST_TEST(first_bytes(a) == std::string(1'001, 'a'));
  BOOST_TEST(first_bytes(b) == std::string(10'001, 'b'));
  a.clear(pool);
  b.clear(pool);
}

BOOST_AUTO_TEST_CASE(reuse_the_blocks_of_their_pool) {
  block_pool pool;
  out_block* const block = pool.take();
  block->begin = block->end = 7;
  pool.give(block);
  out_block* const again = pool.take();
  BOOST_TEST(again == block);
  BOOST_TEST(again->begin == 0u);
  BOOST_TEST(again->end == 0u);
  pool.give(again);
}

// What a leak checker or valgrind sees.
BOOST_AUTO_TEST_CASE(free_the_blocks_that_a_pool_does_not_keep) {
  block_pool pool;
  std::vector<out_block*> blocks;
  for (std::size_t i = 0; i < block_pool::most_spare + 10; ++i) blocks.push_back(pool.take());
  for (out_block* block : blocks) pool.give(block);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
