// SPDX-License-Identifier: MIT
#include "index/walls.hpp"

namespace agent_memory {

Walls::PartitionId Walls::open(const Identity& identity) {
  const PartitionId next = free_.empty() ? size() : free_.back();
  Identity wall;
  if (identity.user_id) {
    const auto [place, made] = by_user_.try_emplace({identity.user_id, std::nullopt}, next);
    if (!made) return place->second;
    wall.user_id = identity.user_id;
  } else {
    const auto [place, made] = by_agent_.try_emplace({identity.agent_id, identity.run_id}, next);
    if (!made) return place->second;
    by_run_.try_emplace({identity.run_id, identity.agent_id}, next);
    wall = identity;
  }
  if (free_.empty()) {
    rooms_.emplace_back();
  } else {
    free_.pop_back();
  }
  rooms_[next] = std::make_unique<Room>(Room{std::move(wall), {}});
  return next;
}

bool Walls::insert(const Identity& identity, Partition partition) {
  const PartitionId id = open(identity);
  Partition& target = (*this)[id];
  if (target.live() != 0) return false;
  target = std::move(partition);
  return true;
}

void Walls::close(PartitionId id) {
  const Identity& wall = rooms_[id]->wall;
  if (wall.user_id) {
    by_user_.erase({wall.user_id, std::nullopt});
  } else {
    by_agent_.erase({wall.agent_id, wall.run_id});
    by_run_.erase({wall.run_id, wall.agent_id});
  }
  rooms_[id].reset();
  free_.push_back(id);
}

Selection Walls::select(const Identity& call) {
  Selection selection;
  const auto take = [&](PartitionId id, Partition::View view) {
    selection.parts.push_back({&rooms_[id]->partition, view});
  };
  if (call.user_id) {
    const auto found = by_user_.find({call.user_id, std::nullopt});
    if (found == by_user_.end()) return selection;
    if (const auto view = (*this)[found->second].view(call.agent_id, call.run_id)) {
      take(found->second, *view);
    }
    return selection;
  }
  const bool exact = call.empty() || (call.agent_id && call.run_id);
  if (exact) {
    const auto found = by_agent_.find({call.agent_id, call.run_id});
    if (found != by_agent_.end()) take(found->second, {});
    return selection;
  }
  const auto& partitions = call.agent_id ? by_agent_ : by_run_;
  const auto& wanted = call.agent_id ? call.agent_id : call.run_id;
  for (auto at = partitions.lower_bound({wanted, std::nullopt});
       at != partitions.end() && at->first.first == wanted; ++at) {
    take(at->second, {});
  }
  return selection;
}

}  // namespace agent_memory
