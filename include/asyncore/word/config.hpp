// SPDX-License-Identifier: BSL-1.0
/// The one menu of what depends on the platform or on compiler flags.
#ifndef ASYNCORE_WORD_CONFIG_HPP
#define ASYNCORE_WORD_CONFIG_HPP

#if __cplusplus < 202002L
#error "asyncore is written in C++20: compile with -std=c++20, by g++ 12, clang++ 16 or newer ones"
#elif defined(__clang__) && __clang_major__ < 15 && !defined(__apple_build_version__)
// Where a template calls a consteval function that is defined further down.
#error "asyncore needs clang++ 16 or g++ 12: clang++ 14 takes its consteval functions for errors"
#endif

/// 1 where epoll(7) exists. select and poll use POSIX alone.
#if !defined(ASYNCORE_HAS_EPOLL)
#if defined(__linux__)
#define ASYNCORE_HAS_EPOLL 1
#else
#define ASYNCORE_HAS_EPOLL 0
#endif
#endif

/// 1 where UNIX sockets have abstract names (unix(7), "Address format").
#if !defined(ASYNCORE_HAS_ABSTRACT_NAMES)
#if defined(__linux__)
#define ASYNCORE_HAS_ABSTRACT_NAMES 1
#else
#define ASYNCORE_HAS_ABSTRACT_NAMES 0
#endif
#endif

/// 1 where accept4(2) exists and socket(2) takes SOCK_NONBLOCK and SOCK_CLOEXEC.
#if !defined(ASYNCORE_HAS_ATOMIC_FLAGS)
#if defined(__linux__)
#define ASYNCORE_HAS_ATOMIC_FLAGS 1
#else
#define ASYNCORE_HAS_ATOMIC_FLAGS 0
#endif
#endif

/// 1 where eventfd(2) exists; elsewhere a pipe wakes a loop.
#if !defined(ASYNCORE_HAS_EVENTFD)
#if defined(__linux__)
#define ASYNCORE_HAS_EVENTFD 1
#else
#define ASYNCORE_HAS_EVENTFD 0
#endif
#endif

/// 1 where a thread can be bound to a processor by sched_setaffinity(2).
#if !defined(ASYNCORE_HAS_AFFINITY)
#if defined(__linux__)
#define ASYNCORE_HAS_AFFINITY 1
#else
#define ASYNCORE_HAS_AFFINITY 0
#endif
#endif

/// 1 where a process has a descriptor, pidfd_open(2), if the kernel that it runs on has them.
#if !defined(ASYNCORE_HAS_PIDFD)
#if defined(__linux__)
#define ASYNCORE_HAS_PIDFD 1
#else
#define ASYNCORE_HAS_PIDFD 0
#endif
#endif

/// 1 when the translation unit is compiled with exceptions.
#if defined(__cpp_exceptions)
#define ASYNCORE_HAS_EXCEPTIONS 1
#else
#define ASYNCORE_HAS_EXCEPTIONS 0
#endif

/// 1 where pthread_cancel(3) unwinds a thread by an exception that has a name, as with libstdc++.
#if !defined(ASYNCORE_HAS_FORCED_UNWIND)
#if defined(__has_include)
#if __has_include(<bits/cxxabi_forced.h>) && ASYNCORE_HAS_EXCEPTIONS
#define ASYNCORE_HAS_FORCED_UNWIND 1
#endif
#endif
#endif
#if !defined(ASYNCORE_HAS_FORCED_UNWIND)
#define ASYNCORE_HAS_FORCED_UNWIND 0
#endif

/// 1 in a debug build, in which misuse that costs time to see ends the program with a sentence: an
/// answer of an `ask_on_rearm` channel that changed without `rearm()`, a loop that a second thread
/// uses or a hook destroys, a timer that is used after its loop. Also logs a channel that
/// `handle_close` leaves open for nothing, and overwrites spans that a hook was lent. Define it to 0
/// or 1 to override the default, which is 1 in an unoptimised build without NDEBUG.
#if !defined(ASYNCORE_DEBUG)
#if !defined(NDEBUG) && !defined(__OPTIMIZE__)
#define ASYNCORE_DEBUG 1
#else
#define ASYNCORE_DEBUG 0
#endif
#endif

/// What the names of code that depends on these two carry, so that the linker never gives a
/// translation unit the code of another one that was compiled differently: a program may mix them,
/// and a loop that crosses from one to the other is an undefined reference.
#if ASYNCORE_DEBUG && ASYNCORE_HAS_EXCEPTIONS
#define ASYNCORE_BUILD_TAG [[gnu::abi_tag("debug")]]
#elif ASYNCORE_DEBUG
#define ASYNCORE_BUILD_TAG [[gnu::abi_tag("debug", "no_exceptions")]]
#elif !ASYNCORE_HAS_EXCEPTIONS
#define ASYNCORE_BUILD_TAG [[gnu::abi_tag("no_exceptions")]]
#else
#define ASYNCORE_BUILD_TAG
#endif

/// 1 under AddressSanitizer, which is told of memory that nobody may look at for a while.
#if !defined(ASYNCORE_HAS_ASAN)
#if defined(__SANITIZE_ADDRESS__)
#define ASYNCORE_HAS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASYNCORE_HAS_ASAN 1
#endif
#endif
#endif
#if !defined(ASYNCORE_HAS_ASAN)
#define ASYNCORE_HAS_ASAN 0
#endif

/// Keeps cold code out of the instruction stream of the turn. For errors alone: a compiler takes
/// everything that leads to cold code to be cold, too.
#define ASYNCORE_COLD [[gnu::cold, gnu::noinline]]

/// Part of the turn, whatever its size. Also of lambdas, behind their parameters.
#define ASYNCORE_INLINE __attribute__((always_inline))

/// Once in a program is enough.
#define ASYNCORE_NOINLINE [[gnu::noinline]]

#endif
