// SPDX-License-Identifier: BSL-1.0
#include <asyncore.hpp>
#include <asyncore/sys/file_wrapper.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <array>
#include <string>
#include <type_traits>

#include "../../support/descriptors.hpp"
#include "../../support/matrix.hpp"
#include "../../support/turns.hpp"

namespace {

using asyncore::as_text;
using asyncore::file_wrapper;
using test::is_open;

std::string read_from(file_wrapper& file, std::size_t most) {
  std::array<std::byte, 64> buffer;
  const asyncore::io_result got = file.recv(std::span(buffer).first(most));
  return std::string(as_text(std::span(buffer).first(got.bytes())));
}

BOOST_AUTO_TEST_SUITE(file_wrappers)

BOOST_AUTO_TEST_CASE(own_a_duplicate) {
  test::ends pipe = test::pipe_to_near();
  const int number = pipe.near.get();
  file_wrapper file(number);
  BOOST_TEST(file.native_handle() >= 0);
  BOOST_TEST(file.native_handle() != number);
  BOOST_TEST((::fcntl(file.native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
  pipe.near.reset();
  test::put(pipe.far, "data");
  BOOST_TEST(read_from(file, 3) == "dat");
  BOOST_TEST(read_from(file, 64) == "a");
}

BOOST_AUTO_TEST_CASE(close_it_once) {
  test::ends pipe = test::pipe_to_near();
  int number = -1;
  {
    file_wrapper file(pipe.near.get());
    number = file.native_handle();
    BOOST_TEST(is_open(number));
  }
  BOOST_TEST(!is_open(number));
  file_wrapper file(pipe.near.get());
  number = file.native_handle();
  file.close();
  BOOST_TEST(file.native_handle() == -1);
  BOOST_TEST(!is_open(number));
  const test::unique_fd same_number = test::checked(::dup(pipe.near.get()));
  file.close();
  BOOST_TEST(is_open(same_number.get()));
}

BOOST_AUTO_TEST_CASE(tell_results_apart) {
  test::ends pipe = test::pipe_to_near();
  file_wrapper reader(pipe.near.get()), writer(pipe.far.get());
  std::array<std::byte, 4> buffer;
  BOOST_TEST(reader.recv(buffer).would_block());
  BOOST_TEST(writer.send("ab").bytes() == 2u);
  BOOST_TEST(reader.read(buffer).bytes() == 2u);
  BOOST_TEST((reader.send("x").error() == std::errc::bad_file_descriptor));
  writer.close();
  pipe.far.reset();
  const asyncore::io_result end = reader.recv(buffer);
  BOOST_TEST(end.ok());
  BOOST_TEST(end.bytes() == 0u);
  reader.close();
  BOOST_TEST((reader.recv(buffer).error() == std::errc::bad_file_descriptor));
  BOOST_TEST((reader.write("x").error() == std::errc::bad_file_descriptor));
}

BOOST_AUTO_TEST_CASE(move) {
  static_assert(!std::is_copy_constructible_v<file_wrapper>);
  test::ends pipe = test::pipe_to_near();
  file_wrapper first(pipe.near.get());
  const int number = first.native_handle();
  file_wrapper second = std::move(first);
  BOOST_TEST(first.native_handle() == -1);
  BOOST_TEST(second.native_handle() == number);
  file_wrapper third(pipe.near.get());
  const int closed = third.native_handle();
  third = std::move(second);
  BOOST_TEST(third.native_handle() == number);
  BOOST_TEST(!is_open(closed));
}

BOOST_AUTO_TEST_CASE(give_it_up) {
  test::ends pipe = test::pipe_to_near();
  file_wrapper file(pipe.near.get());
  const int number = file.native_handle();
  const test::unique_fd mine(file.release());
  BOOST_TEST(mine.get() == number);
  BOOST_TEST(file.native_handle() == -1);
  BOOST_TEST(is_open(number));
}

#if ASYNCORE_HAS_EXCEPTIONS
BOOST_AUTO_TEST_CASE(refuse_what_is_no_descriptor) {
  for (const int fd : {-1, 1'000'000})
    BOOST_CHECK_EXCEPTION(file_wrapper{fd}, std::system_error, [&](const std::system_error& e) {
      return e.code() == std::errc::bad_file_descriptor &&
             std::string(e.what()).starts_with("file_wrapper: fd " + std::to_string(fd));
    });
}
#endif

template <class Place>
struct reader;
template <class Place>
using loop_of = typename Place::template loop<reader<Place>>;
template <class Place>
struct reader : asyncore::file_dispatcher<reader<Place>, loop_of<Place>> {
  using reader::file_dispatcher::file_dispatcher;
  void handle_data(std::span<const std::byte> data) { text += as_text(data); }
  std::string text;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(are_taken_over_by_a_dispatcher, Place, test::matrix) {
  test::ends pipe = test::pipe_to_near();
  loop_of<Place> loop;
  reader<Place> one(loop);
  file_wrapper file(pipe.near.get());
  const int number = file.native_handle();
  one.set_file(std::move(file));
  BOOST_TEST(one.native_handle() == number);
  test::put(pipe.far, "data");
  BOOST_TEST(test::turn_until(loop, [&] { return one.text == "data"; }));
  one.close();
  BOOST_TEST(!is_open(number));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
