// SPDX-License-Identifier: BSL-1.0
/// The version of the library, for the preprocessor.
#ifndef ASYNCORE_VERSION_HPP
#define ASYNCORE_VERSION_HPP

#define ASYNCORE_VERSION_MAJOR 0
#define ASYNCORE_VERSION_MINOR 1
#define ASYNCORE_VERSION_PATCH 0

/// major * 10000 + minor * 100 + patch, to compare with `#if`.
#define ASYNCORE_VERSION \
  (ASYNCORE_VERSION_MAJOR * 10000 + ASYNCORE_VERSION_MINOR * 100 + ASYNCORE_VERSION_PATCH)

#endif
