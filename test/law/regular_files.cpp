// SPDX-License-Identifier: BSL-1.0
// Law 7: regular files, which epoll refuses (EPERM), count as always ready. For all pollers alike.
#include <boost/test/unit_test.hpp>

#include <memory>
#include <string>
#include <vector>

#include "../support/counting_poller.hpp"
#include "../support/descriptors.hpp"
#include "../support/matrix.hpp"
#include "../support/readers.hpp"
#include "../support/turns.hpp"

namespace {

using test::asks;
using test::ends;
using test::heard;

// Open for reading and writing at its beginning.
struct some_file {
  explicit some_file(std::string_view content) : fd(test::file_of(content)) {}
  void rewind() { test::kernel::rewind(fd.get()); }
  test::unique_fd fd;
};

std::string lines(std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}

// Writes to a file what it is given, some bytes each turn.
template <class Place>
struct file_writer;
template <class Place>
using writer_loop = typename Place::template loop<file_writer<Place>>;
template <class Place>
struct file_writer : asyncore::file_dispatcher<file_writer<Place>, writer_loop<Place>> {
  file_writer(writer_loop<Place>& loop, int fd, std::string text)
      : asyncore::file_dispatcher<file_writer, writer_loop<Place>>(loop, fd),
        left(std::move(text)) {}
  bool writable() const { return !left.empty(); }
  void handle_write() {
    left.erase(0, this->send(std::string_view(left).substr(0, 10)).bytes());
    if (left.empty()) this->close();
  }
  std::string left;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(regular_files, test::world)

BOOST_AUTO_TEST_CASE_TEMPLATE(are_read_to_the_end, Place, test::matrix) {
  for (const std::size_t count : {0u, 1u, 20'000u}) {  // the last is more than one read
    const std::string content = lines(count);
    some_file file(content);
    test::reader_loop<Place> loop;
    heard what;
    loop.template emplace<test::file_reader<Place>>(what, file.fd);
    loop.run();
    BOOST_CHECK(what.bytes == content);
    BOOST_CHECK_EQUAL(what.closes, 1);
    BOOST_CHECK(test::is_open(file.fd.get()));  // only the duplicate was closed
  }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(are_written, Place, test::matrix) {
  some_file file("");
  const std::string text = lines(20);
  writer_loop<Place> loop;
  loop.template emplace<file_writer<Place>>(file.fd.get(), text);
  loop.run();
  file.rewind();
  BOOST_CHECK_EQUAL(test::take(file.fd), text);
}

// A turn reads a piece of each and serves the others, and a turn without them waits again.
BOOST_AUTO_TEST_CASE_TEMPLATE(do_not_starve_sockets, Place, test::matrix) {
  using place = test::counted<Place>;
  test::poller_counts counts;
  test::reader_loop<place> loop(counts);
  some_file file(lines(50'000));
  heard from_file, from_socket;
  ends pair = test::socket_pair();
  loop.template emplace<test::data_reader<place, asks::never>>(from_socket, std::move(pair.near));
  loop.template emplace<test::file_reader<place>>(from_file, file.fd);
  while (from_file.closes == 0 && counts.waits < 1000) {
    from_socket.bytes.clear();
    test::put(pair.far, "x");
    loop.poll({});
    BOOST_CHECK_EQUAL(from_socket.bytes, "x");
  }
  BOOST_CHECK_EQUAL(from_file.closes, 1);
  BOOST_CHECK_GT(counts.waits, 5u);
  const std::size_t reports = counts.reports;
  loop.poll(std::chrono::milliseconds(1));
  BOOST_CHECK_EQUAL(counts.reports, reports);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(pause_and_resume, Place, test::matrix) {
  some_file file("content");
  test::reader_loop<Place> loop;
  heard what;
  test::file_reader<Place> reader(loop, what, file.fd);
  for (int round = 0; round < 3; ++round) {
    reader.paused = true;
    reader.rearm();
    file.rewind();
    what.bytes.clear();
    test::turn(loop, 5);
    BOOST_CHECK_EQUAL(what.bytes, "");
    what.on_data = [&] { reader.paused = true; };  // before it finds the end
    reader.paused = false;
    reader.rearm();
    test::turn(loop);
    BOOST_CHECK_EQUAL(what.bytes, "content");
  }
  what.on_data = nullptr;
  reader.paused = false;
  reader.rearm();
  loop.run();
  BOOST_CHECK_EQUAL(what.closes, 1);
}

// Several, some of which go while others are reported, and a socket takes over a number.
BOOST_AUTO_TEST_CASE_TEMPLATE(come_and_go, Place, test::matrix) {
  test::reader_loop<Place> loop;
  std::vector<std::unique_ptr<some_file>> files;
  std::vector<std::unique_ptr<test::file_reader<Place>>> readers;
  heard what[6], from_socket;
  for (std::size_t i = 0; i < 6; ++i) {
    files.push_back(std::make_unique<some_file>("content"));
    readers.push_back(
        std::make_unique<test::file_reader<Place>>(loop, what[i], files.back()->fd));
  }
  ends pair = test::socket_pair();
  test::put(pair.far, "x");
  test::data_reader<Place, asks::never>* socket = nullptr;
  for (std::size_t i = 0; i < 6; ++i)
    what[i].on_data = [&, i] {
      what[i].on_data = nullptr;
      if (socket != nullptr) return;
      const int number = readers[(i + 1) % 6]->native_handle();
      readers[(i + 1) % 6]->close();
      readers[(i + 2) % 6].reset();
      socket = &loop.template emplace<test::data_reader<Place, asks::never>>(
          from_socket, test::moved_to(number, std::move(pair.near)));
      BOOST_CHECK_EQUAL(socket->native_handle(), number);
    };
  test::turn_until(loop, [&] { return loop.size() == 1; });
  int complete = 0;
  for (const heard& one : what) complete += one.bytes == "content" && one.closes == 1;
  BOOST_CHECK_EQUAL(complete, 4);
  BOOST_CHECK_EQUAL(from_socket.bytes, "x");
}

#if !defined(TEST_SIMULATED)
// So do other descriptors that cannot be waited for.
BOOST_AUTO_TEST_CASE_TEMPLATE(and_devices, Place, test::matrix) {
  test::reader_loop<Place> loop;
  heard from_null, from_zero;
  const auto null = test::checked(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const auto zero = test::checked(::open("/dev/zero", O_RDONLY | O_CLOEXEC));
  loop.template emplace<test::file_reader<Place>>(from_null, null);
  auto& endless = loop.template emplace<test::file_reader<Place>>(from_zero, zero);
  test::turn(loop, 3);
  BOOST_CHECK_EQUAL(from_null.closes, 1);
  BOOST_CHECK_EQUAL(from_zero.closes, 0);
  BOOST_CHECK_GE(from_zero.bytes.size(), 3u * 1024);
  endless.close();
}
#endif

BOOST_AUTO_TEST_SUITE_END()
