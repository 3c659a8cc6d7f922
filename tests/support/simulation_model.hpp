// SPDX-License-Identifier: MIT
#pragma once

// What a store must hold, worked out the simple way: all operations that reached the disk are kept,
// and each memory is looked up among all that was ever done to it.

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "journal/entry.hpp"

namespace agent_memory::testing {

/// An operation that reached the disk.
struct Landed {
  MemoryEvent kind = MemoryEvent::kAdd;  ///< kNoop: a mark, with its note as the record's text.
  Stamp stamp;
  /// The kAdd whose life it belongs to; never for a kDelete. Of a mark: what it accounts for.
  Stamp generation;
  MemoryRecord record;
  /// Which write brought it.
  std::size_t write = 0;
};

/// The operation that an entry of a log record says.
Landed to_landed(const MemoryEntry& operation, std::size_t write);

/// The entries of a stored value, as many as are whole, each as text: their newest stamp, and their
/// id with it.
std::map<std::pair<std::string, Stamp>, MemoryEntry> entries_of(std::string_view key,
                                                                const std::string& value);

class SimulationModel {
 public:
  void add(Landed operation) { operations_[operation.record.id].push_back(std::move(operation)); }
  /// Nothing that a later write brought ever happened.
  void forget_after(std::size_t write);
  /// What was known of this memory was damaged: it may be as it was at any time, or gone.
  void taint(const std::string& id) { tainted_.insert(id); }

  [[nodiscard]] bool is_tainted(const std::string& id) const { return tainted_.contains(id); }
  /// The operation that says what the memory is; nullptr where it is deleted or never was.
  [[nodiscard]] const Landed* find(const std::string& id) const;
  /// All memories that are, but for tainted ones.
  [[nodiscard]] std::map<std::string, const Landed*> live() const;
  /// Whether some operation gave that memory this text.
  [[nodiscard]] bool ever_said(const std::string& id, const std::string& text) const;
  /// The newest mark; nullptr where there is none.
  [[nodiscard]] const Landed* mark(const std::string& id) const;
  /// Whether something was done to it that its newest mark does not account for.
  [[nodiscard]] bool is_unsettled(const std::string& id) const;
  /// All ids of which anything is known.
  [[nodiscard]] std::vector<std::string> ids() const;
  /// All that was done to it, oldest first; no marks.
  [[nodiscard]] std::vector<const Landed*> history(const std::string& id) const;
  /// Whether the memory was deleted with that stamp.
  [[nodiscard]] bool knows_deletion(const std::string& id, Stamp stamp) const;
  /// Texts of lives that are over; not of tainted memories.
  [[nodiscard]] std::set<std::string> forgotten_texts() const;

 private:
  [[nodiscard]] Stamp deleted(const std::vector<Landed>& operations) const;

  std::map<std::string, std::vector<Landed>> operations_;
  std::set<std::string> tainted_;
};

}  // namespace agent_memory::testing
