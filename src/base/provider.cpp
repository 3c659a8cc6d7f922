// SPDX-License-Identifier: MIT
#include "agent_memory/provider.hpp"

namespace agent_memory {
namespace {

Error not_implemented(std::string_view operation) {
  return Error{.code = ErrorCode::kNotImplemented,
               .message = std::string(operation) + " is not implemented by this provider"};
}

}  // namespace

Async<std::vector<RetrievedMemory>> BaseMemoryProvider::retrieve_memories(std::string,
                                                                          RetrieveOptions) {
  co_return not_implemented("retrieve_memories");
}
Async<std::vector<StoredMemory>> BaseMemoryProvider::store_memories(MessageInput, StoreOptions) {
  co_return not_implemented("store_memories");
}
Async<std::vector<RetrievedMemory>> BaseMemoryProvider::get_all_memories(ListOptions) {
  co_return not_implemented("get_all_memories");
}
Async<bool> BaseMemoryProvider::delete_memory(std::string) {
  co_return not_implemented("delete_memory");
}

}  // namespace agent_memory
