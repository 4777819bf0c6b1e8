// SPDX-License-Identifier: BSL-1.0
// What CPython's tests of file_wrapper and file_dispatcher check, FileWrapperTest in
// Lib/test/test_asyncore.py, under their names.
#include <asyncore.hpp>

#include <boost/test/unit_test.hpp>

#include <fcntl.h>

#include <array>
#include <fstream>
#include <iterator>
#include <string>

#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/standard_error.hpp"

namespace {

// A file with something in it.
struct file_wrapper_test {
  file_wrapper_test() { std::ofstream(path) << text; }

  test::unique_fd open(int flags) const { return test::checked(::open(path.c_str(), flags)); }
  std::string contents() const {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static std::string read(asyncore::file_wrapper& file, std::size_t most) {
    std::array<std::byte, 64> buffer;
    const asyncore::io_result got = file.read(std::span(buffer).first(most));
    return std::string(asyncore::as_text(std::span(buffer).first(got.bytes())));
  }

  test::temporary_directory directory;
  std::string path = directory.file("file");
  std::string text = "It's not dead, it's sleeping!";
};

BOOST_FIXTURE_TEST_SUITE(FileWrapperTest, file_wrapper_test)

BOOST_AUTO_TEST_CASE(test_recv) {
  test::unique_fd fd = open(O_RDONLY);
  const int number = fd.get();
  asyncore::file_wrapper w(number);
  fd.reset();
  BOOST_TEST(w.native_handle() != number);
  std::array<std::byte, 13> buffer;
  BOOST_TEST(w.recv(buffer).bytes() == 13u);
  BOOST_TEST(asyncore::as_text(buffer) == "It's not dead");
  BOOST_TEST(read(w, 6) == ", it's");
  w.close();
  BOOST_TEST((w.read(buffer).error() == std::errc::bad_file_descriptor));
}

BOOST_AUTO_TEST_CASE(test_send) {
  test::unique_fd fd = open(O_WRONLY | O_APPEND);
  asyncore::file_wrapper w(fd.get());
  fd.reset();
  w.write("Come again?");
  w.send("I want to buy some cheese.");
  w.close();
  BOOST_TEST(contents() == text + "Come again?" + "I want to buy some cheese.");
}

template <class Place>
struct file_reader;
template <class Place>
using file_loop = typename Place::template loop<file_reader<Place>>;
template <class Place>
struct file_reader : asyncore::file_dispatcher<file_reader<Place>, file_loop<Place>> {
  using file_reader::file_dispatcher::file_dispatcher;
  void handle_read() {
    std::array<std::byte, 29> buffer;
    if (const auto got = this->recv(buffer))
      data += asyncore::as_text(std::span(buffer).first(got.bytes()));
  }
  std::string data;
};

BOOST_AUTO_TEST_CASE_TEMPLATE(test_dispatcher, Place, test::matrix) {
  const file_wrapper_test file;
  file_loop<Place> loop;
  test::unique_fd fd = file.open(O_RDONLY);
  file_reader<Place> s(loop, fd.get());
  fd.reset();
  loop.run({.timeout = std::chrono::milliseconds(10), .count = 2});
  BOOST_TEST(s.data == file.text);
}

// Nothing warns: that it is closed with its object is what C++ does.
BOOST_AUTO_TEST_CASE(test_resource_warning) {
  const test::unique_fd fd = open(O_RDONLY);
  int number = -1;
  const test::redirected_stderr said;
  {
    const asyncore::file_wrapper f(fd.get());
    number = f.native_handle();
  }
  BOOST_TEST(!test::is_open(number));
  BOOST_TEST(said.text() == "");
}

// Its descriptor is gone already; unlike Python's close, that of C++ does not say so.
BOOST_AUTO_TEST_CASE(test_close_twice) {
  test::unique_fd fd = open(O_RDONLY);
  asyncore::file_wrapper f(fd.get());
  fd.reset();
  ::close(f.native_handle());
  f.close();
  BOOST_TEST(f.native_handle() == -1);
  f.close();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
