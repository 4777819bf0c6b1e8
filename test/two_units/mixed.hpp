// SPDX-License-Identifier: BSL-1.0
/// The default loop of a unit that is compiled with the checks of a debug build, and of one that is
/// not.
#pragma once

namespace two_units {

const void* loop_with_checks();
const void* loop_without_checks();

}  // namespace two_units
