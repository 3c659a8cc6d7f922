// SPDX-License-Identifier: MIT
#include "index/image.hpp"

#include <array>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace agent_memory {
namespace {

/// A partition's columns are appended in so many pieces of work.
constexpr std::size_t kAppends = 4;

/// How many slots or postings a piece of work goes through: about a millisecond's.
constexpr std::size_t kPieces = std::size_t{1} << 15;

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

/// The image's sections: first the numbers, then the texts.
using Sections = std::vector<std::string>;

/// Appends `count` numbers, number_at(0) and so on.
template <typename NumberAt>
void append_numbers(std::string& section, std::size_t count, const NumberAt& number_at) {
  const std::size_t begin = section.size();
  section.resize(begin + count * sizeof(std::uint32_t));
  char* out = section.data() + begin;
  for (std::size_t i = 0; i < count; ++i, out += sizeof(std::uint32_t)) {
    const auto number = static_cast<std::uint32_t>(number_at(i));
    std::memcpy(out, &number, sizeof number);
  }
}

void append_numbers(std::string& section, const std::vector<std::uint32_t>& column) {
  section.append(reinterpret_cast<const char*>(column.data()),
                 column.size() * sizeof(std::uint32_t));
}

void append_sizes(std::string& section, const std::vector<std::uint32_t>& begins) {
  append_numbers(section, begins.size() - 1,
                 [&](std::size_t i) { return begins[i + 1] - begins[i]; });
}

/// Appends a wall's id to `bytes`, and its size to `sizes`.
void append_id(std::string& bytes, std::string& sizes, const std::optional<std::string>& id) {
  append_numbers(sizes, {id ? static_cast<std::uint32_t>(id->size() + 1) : 0});
  if (id) bytes += *id;
}

/// The same as read.
struct Arrays {
  std::vector<std::vector<std::uint32_t>> numbers =
      std::vector<std::vector<std::uint32_t>>(kNumbersCount);
  std::vector<std::string> texts = std::vector<std::string>(kTextsCount);
};

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

ImageMaker::ImageMaker(const Walls& walls, std::vector<DocumentId> renumbered,
                       std::uint32_t fingerprint)
    : walls_(walls), renumbered_(std::move(renumbered)) {
  image_.version = version(fingerprint);
  image_.sections.resize(kNumbersCount + std::size_t{kTextsCount});
}

std::optional<IndexImage> ImageMaker::next() {
  if (partition_ == walls_.size()) return std::move(image_);
  const Identity* wall = walls_.wall(partition_);
  if (wall != nullptr) {
    if (walls_[partition_].extend(columns_, kPieces)) return std::nullopt;
    append(*wall, columns_.columns, appended_++);
    if (appended_ < kAppends) return std::nullopt;
  }
  columns_ = {};
  appended_ = 0;
  ++partition_;
  return std::nullopt;
}

void ImageMaker::append(const Identity& wall, const PartitionColumns& columns, std::size_t part) {
  Sections& numbers = image_.sections;
  const auto texts = image_.sections.begin() + kNumbersCount;
  if (part == 0) {
    std::string& header = numbers[kHeader];
    append_id(texts[kWallBytes], header, wall.user_id);
    append_id(texts[kWallBytes], header, wall.agent_id);
    append_id(texts[kWallBytes], header, wall.run_id);
    const auto count = [](const auto& column) { return static_cast<std::uint32_t>(column.size()); };
    append_numbers(header, {count(columns.documents), count(columns.agents), count(columns.runs),
                            count(columns.ids.begins) - 1, count(columns.terms.begins) - 1});
    const std::size_t documents = columns.documents.size();
    append_numbers(numbers[kDocuments], documents,
                   [&](std::size_t i) { return renumbered_[columns.documents[i]]; });
    append_numbers(numbers[kTimesLow], documents, [&](std::size_t i) { return columns.times[i]; });
    append_numbers(numbers[kTimesHigh], documents,
                   [&](std::size_t i) { return columns.times[i] >> 32; });
  } else if (part == 1) {
    append_numbers(numbers[kLengths], columns.lengths.size(),
                   [&](std::size_t i) { return columns.lengths[i]; });
    texts[kTraits].append(columns.traits.begin(), columns.traits.end());
    append_numbers(numbers[kAgents], columns.agents);
    append_numbers(numbers[kRuns], columns.runs);
  } else if (part == 2) {
    append_sizes(numbers[kIdSizes], columns.ids.begins);
    append_sizes(numbers[kTermSizes], columns.terms.begins);
    append_sizes(numbers[kPostingSizes], columns.postings.begins);
    append_numbers(numbers[kPostingCounts], columns.postings.counts);
    texts[kIdBytes] += columns.ids.bytes;
    texts[kTermBytes] += columns.terms.bytes;
  } else {
    texts[kPostingBytes].append(columns.postings.bytes.begin(), columns.postings.bytes.end());
  }
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
