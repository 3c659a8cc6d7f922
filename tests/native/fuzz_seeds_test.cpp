// SPDX-License-Identifier: MIT
// The fuzz targets over their seeds, without a fuzzer: what was found once stays found. A property
// that does not hold ends the process; the last lines say which, and of which file.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <catch2/catch_test_macros.hpp>

extern "C" {
int fuzz_analyzer(const std::uint8_t* data, std::size_t size);
int fuzz_codec(const std::uint8_t* data, std::size_t size);
int fuzz_filter(const std::uint8_t* data, std::size_t size);
int fuzz_index(const std::uint8_t* data, std::size_t size);
int fuzz_journal(const std::uint8_t* data, std::size_t size);
int fuzz_messages(const std::uint8_t* data, std::size_t size);
}

namespace {

using Target = int(const std::uint8_t* data, std::size_t size);

void run_over_seeds(Target& target, const std::string& name) {
  std::vector<std::filesystem::path> seeds;
  for (const auto& file : std::filesystem::directory_iterator(AGENT_MEMORY_CORPORA "/" + name))
    seeds.push_back(file.path());
  std::sort(seeds.begin(), seeds.end());
  REQUIRE_FALSE(seeds.empty());
  for (const std::filesystem::path& seed : seeds) {
    std::ifstream file(seed, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::fprintf(stderr, "%s\n", seed.c_str());
    CHECK(target(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()) == 0);
  }
}

}  // namespace

TEST_CASE("the analyzer keeps its promises over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_analyzer, "analyzer");
}
TEST_CASE("stored bytes are decoded or refused over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_codec, "codec");
}
TEST_CASE("filters say what is written over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_filter, "filter");
}
TEST_CASE("the index and its image answer alike over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_index, "index");
}
TEST_CASE("damaged stores open with what is whole over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_journal, "journal");
}
TEST_CASE("messages with a block read as before over the seeds", "[fuzz]") {
  run_over_seeds(fuzz_messages, "messages");
}
