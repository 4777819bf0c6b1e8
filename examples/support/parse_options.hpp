// SPDX-License-Identifier: BSL-1.0
/// How the examples take their command line.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <string>

/// Reads the command line into `app`. `--help` leaves with 0; what is wrong is answered with what
/// is allowed, and leaves with 2.
inline void parse_options(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& help) {
    std::exit(app.exit(help));
  } catch (const CLI::ParseError& mistake) {
    std::cerr << mistake.what() << "\n\n" << app.help();
    std::exit(2);
  }
}

/// A check of an option: `read` throws when it cannot take the text.
template <class F>
auto readable_by(F read) {
  return [read](const std::string& text) -> std::string {
    try {
      read(text);
    } catch (const std::exception& mistake) {
      return mistake.what();
    }
    return "";
  };
}
