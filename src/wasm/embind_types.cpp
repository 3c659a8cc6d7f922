// SPDX-License-Identifier: MIT
//
// embind's run-time half without types: src/wasm/embind.js needs none registered. Its own
// (system/lib/embind/bind.cpp) registers every type that could cross, from std::u32string to memory
// views, and a printf comes along. Where a release of Emscripten has another idea of these three
// functions, leave this file and the other out of the build: embind's own are taken, and all works
// as it did.

#include <emscripten/bind.h>

namespace {

emscripten::internal::InitFunc* first_bindings = nullptr;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the names are embind's
extern "C" {

/// Called by embind's JavaScript, for a message about a type that is not bound.
const char* __getTypeName(const std::type_info* /*type*/) { return nullptr; }

void _embind_initialize_bindings() {
  for (const auto* each = first_bindings; each != nullptr; each = each->next)
    each->init_func();
}

void _embind_register_bindings(emscripten::internal::InitFunc* bindings) {
  bindings->next = first_bindings;
  first_bindings = bindings;
}
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
