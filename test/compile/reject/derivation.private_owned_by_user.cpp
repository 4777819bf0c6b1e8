// SPDX-License-Identifier: BSL-1.0
// expect: asyncore: derive publicly from the channel kind
#include <asyncore.hpp>

class client : asyncore::dispatcher<client> {
 public:
  void handle_read() {}
};

int main() {
  client c;
  asyncore::loop();
}
