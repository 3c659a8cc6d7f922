// SPDX-License-Identifier: MIT
#include "index/image.hpp"

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace agent_memory {
namespace {

/// Raise when anything below, a posting's encoding, or what the analyzer makes of a text changes.
constexpr std::uint32_t kVersion = 3;
static_assert(kVersion < 256);

std::uint32_t version(std::uint32_t fingerprint) { return fingerprint << 8 | kVersion; }

/// The arrays of `numbers`. Those from kDocuments on are the columns of all partitions one behind
/// the other; kHeader says how much of each is whose.
enum Numbers : std::size_t {
  kHeader,
  kDocuments,
  kTimesLow,
  kTimesHigh,
  kLengths,
  kAgents,
  kRuns,
  kIdSizes,
  kTermSizes,
  kPostingSizes,
  kPostingCounts,
  kNumbersCount
};
enum Texts : std::size_t { kWallBytes, kTraits, kIdBytes, kTermBytes, kPostingBytes, kTextsCount };

/// What kHeader holds of one partition, in this order. Sizes of the wall's ids are plus one, 0 for
/// an id that is not there.
struct Header {
  std::uint32_t user_size = 0;
  std::uint32_t agent_size = 0;
  std::uint32_t run_size = 0;
  std::uint32_t documents = 0;
  std::uint32_t agents = 0;
  std::uint32_t runs = 0;
  std::uint32_t ids = 0;
  std::uint32_t terms = 0;
};
constexpr std::size_t kHeaderNumbers = 8;

void append_sizes(std::vector<std::uint32_t>& sizes, const std::vector<std::uint32_t>& begins) {
  for (std::size_t i = 1; i < begins.size(); ++i)
    sizes.push_back(begins[i] - begins[i - 1]);
}

template <typename T>
void append_all(std::vector<std::uint32_t>& out, const std::vector<T>& column) {
  out.insert(out.end(), column.begin(), column.end());
}

std::uint32_t append_id(std::string& bytes, const std::optional<std::string>& id) {
  if (!id) return 0;
  bytes += *id;
  return static_cast<std::uint32_t>(id->size() + 1);
}

/// An image's sections: first the numbers, then the texts.
struct Arrays {
  std::vector<std::vector<std::uint32_t>> numbers =
      std::vector<std::vector<std::uint32_t>>(kNumbersCount);
  std::vector<std::string> texts = std::vector<std::string>(kTextsCount);
};

std::vector<std::string> to_sections(Arrays arrays) {
  std::vector<std::string> sections;
  for (std::vector<std::uint32_t>& numbers : arrays.numbers) {
    sections.emplace_back(reinterpret_cast<const char*>(numbers.data()),
                          numbers.size() * sizeof(std::uint32_t));
    numbers = {};
  }
  for (std::string& text : arrays.texts)
    sections.push_back(std::move(text));
  return sections;
}

std::optional<Arrays> to_arrays(std::vector<std::string> sections) {
  if (sections.size() != kNumbersCount + std::size_t{kTextsCount}) return std::nullopt;
  Arrays arrays;
  for (std::size_t i = 0; i < kNumbersCount; ++i) {
    std::string section = std::move(sections[i]);
    if (section.size() % sizeof(std::uint32_t) != 0) return std::nullopt;
    arrays.numbers[i].resize(section.size() / sizeof(std::uint32_t));
    section.copy(reinterpret_cast<char*>(arrays.numbers[i].data()), section.size());
  }
  for (std::size_t i = 0; i < kTextsCount; ++i)
    arrays.texts[i] = std::move(sections[kNumbersCount + i]);
  return arrays;
}

/// Takes an image's arrays apart from the front. What is asked for and not there makes it fail,
/// and everything after that is empty.
class ImageReader {
 public:
  explicit ImageReader(const Arrays& image) : image_(image) {}

  std::vector<std::uint32_t> numbers(Numbers array, std::size_t count) {
    const std::vector<std::uint32_t>& all = image_.numbers[array];
    std::size_t& at = number_at_[array];
    if (!take(at, all.size(), count)) return {};
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(at - count);
    return {begin, begin + static_cast<std::ptrdiff_t>(count)};
  }
  std::string_view bytes(Texts array, std::uint64_t count) {
    const std::string& all = image_.texts[array];
    std::size_t& at = text_at_[array];
    if (!take(at, all.size(), count)) return {};
    return std::string_view(all).substr(at - static_cast<std::size_t>(count),
                                        static_cast<std::size_t>(count));
  }
  /// `count` sizes of pieces of `array`, as begins from 0; and the pieces.
  std::string_view pieces(Numbers sizes, Texts array, std::size_t count,
                          std::vector<std::uint32_t>& begins) {
    begins.assign(1, 0);
    const std::vector<std::uint32_t> all_sizes = numbers(sizes, count);
    begins.reserve(all_sizes.size() + 1);
    std::uint64_t sum = 0;
    for (const std::uint32_t size : all_sizes) {
      sum += size;
      begins.push_back(static_cast<std::uint32_t>(sum));
    }
    return bytes(array, sum);  // fails where the array ends before the sum
  }
  std::optional<std::string> id(std::uint32_t size_plus_one) {
    if (size_plus_one == 0) return std::nullopt;
    return std::string(bytes(kWallBytes, size_plus_one - 1));
  }

  [[nodiscard]] bool failed() const { return failed_; }
  [[nodiscard]] bool more() const {
    return !failed_ && number_at_[kHeader] < image_.numbers[kHeader].size();
  }
  /// Whether everything was taken and nothing was missing.
  [[nodiscard]] bool complete() const {
    for (std::size_t i = 0; i < kNumbersCount; ++i) {
      if (number_at_[i] != image_.numbers[i].size()) return false;
    }
    for (std::size_t i = 0; i < kTextsCount; ++i) {
      if (text_at_[i] != image_.texts[i].size()) return false;
    }
    return !failed_;
  }

 private:
  bool take(std::size_t& at, std::size_t size, std::uint64_t count) {
    if (failed_ || count > size - at) {
      failed_ = true;
      return false;
    }
    at += static_cast<std::size_t>(count);
    return true;
  }

  const Arrays& image_;
  std::array<std::size_t, kNumbersCount> number_at_{};
  std::array<std::size_t, kTextsCount> text_at_{};
  bool failed_ = false;
};

Header read_header(ImageReader& reader) {
  const std::vector<std::uint32_t> numbers = reader.numbers(kHeader, kHeaderNumbers);
  if (reader.failed()) return {};
  return {.user_size = numbers[0],
          .agent_size = numbers[1],
          .run_size = numbers[2],
          .documents = numbers[3],
          .agents = numbers[4],
          .runs = numbers[5],
          .ids = numbers[6],
          .terms = numbers[7]};
}

PartitionColumns read_columns(ImageReader& reader, const Header& header) {
  PartitionColumns columns;
  columns.documents = reader.numbers(kDocuments, header.documents);
  const std::vector<std::uint32_t> low = reader.numbers(kTimesLow, header.documents);
  const std::vector<std::uint32_t> high = reader.numbers(kTimesHigh, header.documents);
  const std::vector<std::uint32_t> lengths = reader.numbers(kLengths, header.documents);
  if (!reader.failed()) {
    columns.times.reserve(low.size());
    columns.lengths.reserve(low.size());
    for (std::size_t i = 0; i < low.size(); ++i) {
      columns.times.push_back(static_cast<TimestampMs>(std::uint64_t{high[i]} << 32 | low[i]));
      columns.lengths.push_back(static_cast<std::uint16_t>(lengths[i]));
    }
  }
  const std::string_view traits = reader.bytes(kTraits, header.documents);
  columns.traits.assign(traits.begin(), traits.end());
  columns.agents = reader.numbers(kAgents, header.agents);
  columns.runs = reader.numbers(kRuns, header.runs);
  columns.ids.bytes = reader.pieces(kIdSizes, kIdBytes, header.ids, columns.ids.begins);
  columns.terms.bytes = reader.pieces(kTermSizes, kTermBytes, header.terms, columns.terms.begins);
  const std::string_view postings =
      reader.pieces(kPostingSizes, kPostingBytes, header.terms, columns.postings.begins);
  columns.postings.bytes.assign(postings.begin(), postings.end());
  columns.postings.counts = reader.numbers(kPostingCounts, header.terms);
  return columns;
}

}  // namespace

IndexImage make_image(const Walls& walls, const std::vector<DocumentId>& renumbered,
                      std::uint32_t fingerprint) {
  Arrays image;
  for (Walls::PartitionId id = 0; id < walls.size(); ++id) {
    const Identity* wall = walls.wall(id);
    if (wall == nullptr) continue;
    const PartitionColumns columns = walls[id].columns();
    std::string& wall_bytes = image.texts[kWallBytes];
    const std::uint32_t user_size = append_id(wall_bytes, wall->user_id);
    const std::uint32_t agent_size = append_id(wall_bytes, wall->agent_id);
    const std::uint32_t run_size = append_id(wall_bytes, wall->run_id);
    append_all(
        image.numbers[kHeader],
        std::vector<std::size_t>{user_size, agent_size, run_size, columns.documents.size(),
                                 columns.agents.size(), columns.runs.size(),
                                 columns.ids.begins.size() - 1, columns.terms.begins.size() - 1});
    for (const DocumentId document : columns.documents) {
      image.numbers[kDocuments].push_back(renumbered[document]);
    }
    for (const TimestampMs time : columns.times) {
      image.numbers[kTimesLow].push_back(static_cast<std::uint32_t>(time));
      image.numbers[kTimesHigh].push_back(static_cast<std::uint32_t>(time >> 32));
    }
    append_all(image.numbers[kLengths], columns.lengths);
    image.texts[kTraits].append(columns.traits.begin(), columns.traits.end());
    append_all(image.numbers[kAgents], columns.agents);
    append_all(image.numbers[kRuns], columns.runs);
    append_sizes(image.numbers[kIdSizes], columns.ids.begins);
    append_sizes(image.numbers[kTermSizes], columns.terms.begins);
    append_sizes(image.numbers[kPostingSizes], columns.postings.begins);
    append_all(image.numbers[kPostingCounts], columns.postings.counts);
    image.texts[kIdBytes] += columns.ids.bytes;
    image.texts[kTermBytes] += columns.terms.bytes;
    image.texts[kPostingBytes].append(columns.postings.bytes.begin(), columns.postings.bytes.end());
  }
  return {.version = version(fingerprint), .sections = to_sections(std::move(image))};
}

std::optional<Walls> read_image(IndexImage image, std::uint32_t fingerprint) {
  if (image.version != version(fingerprint)) return std::nullopt;
  const std::optional<Arrays> arrays = to_arrays(std::move(image.sections));
  if (!arrays) return std::nullopt;
  ImageReader reader(*arrays);
  Walls walls;
  while (reader.more()) {
    const Header header = read_header(reader);
    Identity wall{.user_id = reader.id(header.user_size),
                  .agent_id = reader.id(header.agent_size),
                  .run_id = reader.id(header.run_size)};
    if (wall.user_id && (wall.agent_id || wall.run_id)) return std::nullopt;
    if (!wall.user_id && (header.agents != 0 || header.runs != 0)) return std::nullopt;
    PartitionColumns columns = read_columns(reader, header);
    if (reader.failed() || columns.documents.empty()) return std::nullopt;
    auto partition = Partition::from_columns(std::move(columns));
    if (!partition || !walls.insert(wall, *std::move(partition))) return std::nullopt;
  }
  if (!reader.complete()) return std::nullopt;
  return walls;
}

}  // namespace agent_memory
