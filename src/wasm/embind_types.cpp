// SPDX-License-Identifier: MIT
//
// embind's run-time half with the one type that crosses. Its own (system/lib/embind/bind.cpp)
// registers every type that could, from std::u32string to memory views, and with them come their
// readers and writers in JavaScript and a printf: 7 kB of the download. Where a release of
// Emscripten has another idea of these three functions, leave this file out of the build: embind's
// own are taken, and all works as it did.

#include <cstdint>
#include <limits>

#include <emscripten/bind.h>

namespace {

emscripten::internal::InitFunc* first_bindings = nullptr;

}  // namespace

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

EMSCRIPTEN_BINDINGS(types) {
  using emscripten::internal::TypeID;
  using Number = std::uint32_t;
  emscripten::internal::_embind_register_integer(
      TypeID<Number>::get(), "unsigned int", sizeof(Number), std::numeric_limits<Number>::min(),
      std::numeric_limits<Number>::max());
  // Not for itself: it brings a constant that the other needs and forgets to ask for.
  emscripten::internal::_embind_register_bool(TypeID<bool>::get(), "bool", true, false);
}
