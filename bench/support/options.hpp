// SPDX-License-Identifier: BSL-1.0
/// What every benchmark program but the servers does with its command line.
#pragma once

#include <CLI/CLI.hpp>

#include "fail.hpp"

namespace bench {

/// Parses the command line into `app`. `--help` exits 0, a bad option says why and exits 2.
inline void parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& mistake) {
    app.exit(mistake);
    std::exit(2);
  }
}

}  // namespace bench
