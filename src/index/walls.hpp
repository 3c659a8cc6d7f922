// SPDX-License-Identifier: MIT
#pragma once

// Which partition a memory lives in, and which ones a call looks into. A user's memories are one
// partition; memories without a user are one for each pair of agent and run, so that no call's
// statistics come from memories it may not see.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "agent_memory/types.hpp"

#include "index/partition.hpp"

namespace agent_memory {

/// What a call may search: whole partitions, and of the documents in them those in the view.
struct Selection {
  struct Part {
    Partition* partition = nullptr;
    Partition::View view;
  };
  std::vector<Part> parts;
};

class Walls {
 public:
  using PartitionId = std::uint32_t;

  /// The partition for a memory of `identity`, made if there is none. To be filled at once.
  PartitionId open(const Identity& identity);
  /// Puts a filled partition behind a wall where there is none; false where there is one.
  bool insert(const Identity& identity, Partition partition);
  /// Frees the partition.
  void close(PartitionId id);

  [[nodiscard]] Partition& operator[](PartitionId id) { return rooms_[id]->partition; }
  [[nodiscard]] const Partition& operator[](PartitionId id) const { return rooms_[id]->partition; }
  /// One more than the highest id in use.
  [[nodiscard]] PartitionId size() const { return static_cast<PartitionId>(rooms_.size()); }
  /// The ids that all memories of the partition share; nullptr where it was closed. A user's have
  /// the user alone.
  [[nodiscard]] const Identity* wall(PartitionId id) const {
    return rooms_[id] ? &rooms_[id]->wall : nullptr;
  }

  /// The partitions with anything that `call` may see.
  [[nodiscard]] Selection select(const Identity& call);

 private:
  struct Room {
    Identity wall;
    Partition partition;
  };
  using Pair = std::pair<std::optional<std::string>, std::optional<std::string>>;

  std::vector<std::unique_ptr<Room>> rooms_;
  std::vector<PartitionId> free_;
  /// By user; the second is nothing. As the others are: another map would be another kilobyte.
  std::map<Pair, PartitionId> by_user_;
  /// Those without a user, by agent and run, and by run and agent.
  std::map<Pair, PartitionId> by_agent_;
  std::map<Pair, PartitionId> by_run_;
};

}  // namespace agent_memory
