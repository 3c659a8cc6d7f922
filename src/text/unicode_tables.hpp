// SPDX-License-Identifier: MIT
#pragma once

// Written by unicode_tables.py from Unicode 15.1: run it again instead of editing. For folding.cpp.
//
// A column an array, and what rises as its steps (seven bits a byte, the lowest first; 128 says
// that more follow): so a download has them in half the bytes.

#include <cstddef>
#include <cstdint>

#include "text/folding.hpp"

namespace agent_memory::detail {

// clang-format off

// Runs of letters that folding changes: `size` code points from `first`; the k-th becomes
// first + shift + k * step.
inline constexpr std::size_t kCaseRuns = 322;
/// As step: capitals and small letters in turn, and the small ones stay.
inline constexpr std::uint8_t kPairs = 255;
/// As step: the shift is an index into kExpansions, each of which ends with a 0 or with its array.
inline constexpr std::uint8_t kExpands = 254;

// Letters that are another and a mark. The other may have parts itself.
inline constexpr std::size_t kDecompositions = 517;

// Of every code point from a run's first to the next run that stays itself in folding.
inline constexpr std::size_t kClassRuns = 379;

/// The runs' first code points.
inline constexpr std::uint8_t kCaseFirstSteps[] = {
    170, 1, 11, 5, 6, 24, 7, 33, 50, 1, 1, 5, 6, 2, 8, 1, 46, 1, 6, 2, 1, 4, 1, 2, 2, 3, 1, 2, 2, 3,
    1, 1, 4, 3, 1, 6, 1, 2, 3, 2, 1, 2, 2, 4, 1, 4, 8, 1, 1, 1, 1, 1, 1, 1, 1, 1, 17, 19, 1, 1, 1,
    2, 1, 1, 40, 2, 24, 1, 2, 1, 3, 2, 1, 2, 118, 132, 1, 3, 45, 4, 2, 9, 7, 2, 4, 2, 3, 18, 31, 13,
    1, 1, 1, 3, 1, 2, 24, 1, 3, 1, 2, 2, 1, 3, 3, 16, 80, 42, 54, 1, 15, 97, 86, 217, 1, 144, 1,
    208, 1, 166, 3, 128, 1, 128, 1, 128, 1, 128, 1, 128, 1, 128, 1, 128, 1, 128, 1, 128, 1, 106,
    128, 1, 80, 160, 2, 80, 16, 39, 6, 147, 14, 48, 182, 2, 138, 1, 176, 1, 16, 192, 1, 96, 144, 1,
    16, 64, 45, 195, 2, 154, 1, 1, 3, 2, 104, 16, 16, 16, 16, 17, 2, 2, 2, 9, 9, 2, 2, 2, 2, 2, 2,
    11, 16, 16, 16, 2, 1, 1, 2, 10, 1, 1, 1, 1, 7, 5, 2, 1, 8, 5, 2, 1, 1, 12, 1, 1, 1, 1, 28, 3, 1,
    10, 128, 2, 4, 1, 53, 35, 253, 20, 96, 7, 11, 3, 9, 2, 107, 7, 142, 6, 160, 236, 1, 32, 64, 162,
    1, 16, 71, 5, 13, 5, 6, 30, 19, 9, 6, 31, 219, 1, 48, 208, 1, 32, 96, 160, 3, 144, 158, 1, 1, 1,
    1, 1, 1, 1, 13, 1, 1, 1, 1, 233, 6, 2, 2, 2, 2, 2, 3, 2, 4, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 4, 1, 1, 1, 1, 1, 1, 1, 5, 32, 26, 36, 2, 1, 2, 1,
    1, 1, 5, 3, 1, 1, 5, 12, 4, 5, 5, 4, 3, 5, 1, 1, 66, 2, 2, 1, 1, 2, 1, 4, 1,
};

/// Modulo 2^16.
inline constexpr char16_t kCaseShifts[] = {
    65463, 775, 65461, 32, 32, 0, 1, 1, 2, 1, 1, 65325, 1, 65317, 1, 65415, 1, 65268, 210, 1, 206,
    1, 205, 1, 79, 202, 1, 205, 211, 209, 1, 211, 214, 1, 218, 1, 218, 1, 218, 1, 217, 1, 219, 1, 1,
    3, 4, 5, 6, 7, 8, 9, 10, 11, 1, 1, 12, 13, 14, 1, 65439, 65480, 1, 65406, 1, 10795, 1, 65373,
    10792, 1, 65341, 69, 1, 64875, 65472, 65488, 1, 65349, 1, 116, 38, 37, 64, 63, 32, 32, 1, 8,
    65506, 65511, 65523, 65521, 65514, 1, 65482, 65488, 65476, 65472, 1, 65482, 1, 65406, 80, 32, 1,
    1, 15, 1, 1, 48, 15, 63952, 63808, 63600, 63178, 63050, 62922, 62794, 62666, 62538, 62410,
    62282, 62154, 62026, 61920, 61792, 61712, 61424, 61344, 7264, 7264, 7264, 59472, 59424, 59114,
    58976, 58800, 58784, 58592, 58496, 58352, 58336, 62528, 62528, 1, 16, 65478, 17, 1, 65528,
    65528, 65528, 65528, 65528, 65528, 65528, 65528, 65528, 65528, 58427, 58426, 58425, 58424,
    58451, 58450, 58449, 65528, 65528, 65528, 65528, 65462, 58353, 65527, 58363, 65450, 58340,
    65450, 58339, 65527, 58301, 65528, 65436, 58324, 58317, 65528, 65424, 58338, 65529, 65408,
    58323, 65410, 58323, 65527, 57359, 57356, 57350, 18, 58019, 57153, 57274, 16, 1, 48, 1, 1, 1, 1,
    54721, 1, 1, 1, 53280, 23056, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 22368, 22320, 22112,
    22080, 21984, 21568, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 1953, 1952, 1951, 1950,
    1949, 1948, 1946, 1945, 1942, 1941, 1938, 1935, 1932, 1929, 1926, 1925, 1924, 1923, 1922, 1919,
    1916, 1913, 1910, 1907, 1904, 1901, 1904, 1901, 1898, 1895, 1892, 1889, 1886, 1883, 1882, 1881,
    31, 32, 33, 34, 35, 36, 37, 38, 288, 320, 288, 10790, 12449, 12458, 12445, 12694, 12684, 12602,
    12663, 12628, 12684, 12593, 12597, 12610, 12613, 12615, 12623, 12624, 12626, 12627, 12630,
    12539, 194, 202, 194, 192, 8387, 9498, 8615, 9651, 9693,
};

inline constexpr std::uint8_t kCaseSizes[] = {
    1, 1, 1, 23, 7, 1, 48, 1, 1, 4, 6, 2, 8, 1, 46, 1, 6, 1, 1, 4, 1, 1, 2, 1, 1, 2, 1, 2, 1, 1, 1,
    2, 1, 6, 1, 1, 1, 1, 1, 1, 2, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 16, 18, 1, 1, 1, 1, 1, 1,
    40, 1, 18, 1, 1, 1, 1, 1, 1, 2, 10, 1, 2, 1, 4, 1, 1, 1, 1, 3, 1, 2, 17, 9, 1, 1, 1, 1, 1, 1, 1,
    24, 1, 2, 1, 1, 1, 1, 1, 3, 16, 32, 34, 54, 1, 14, 96, 38, 1, 10, 10, 10, 10, 10, 10, 10, 10,
    10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 38, 1, 1, 10, 10, 10, 10, 10, 10, 10, 10, 10, 10, 43, 3,
    150, 1, 1, 1, 96, 8, 6, 8, 8, 6, 1, 1, 1, 1, 8, 1, 1, 1, 1, 1, 1, 1, 8, 8, 8, 2, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 2, 1, 1, 1, 1, 16, 1, 48, 1, 6, 1,
    1, 2, 100, 4, 1, 1, 10, 46, 28, 14, 62, 4, 10, 1, 4, 20, 16, 4, 1, 4, 1, 10, 10, 10, 10, 10, 10,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 2, 4, 2, 4, 4, 4, 4, 4, 2, 2, 2, 2, 4, 4,
    4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 2, 2, 4, 1, 1, 1, 1, 1, 1, 1, 1, 32, 26, 36, 2, 1, 2, 1,
    1, 1, 5, 3, 1, 1, 5, 12, 4, 5, 5, 4, 3, 5, 1, 1, 2, 2, 2, 1, 1, 1, 1, 4, 1, 1,
};

inline constexpr std::uint8_t kCaseSteps[] = {
    1, 1, 1, 1, 1, kExpands, kPairs, kExpands, kExpands, kPairs, kPairs, 0, kPairs, 1, kPairs, 1,
    kPairs, 1, 1, kPairs, 1, 1, 1, 1, 1, 2, 1, 3, 1, 1, 1, 3, 1, kPairs, 1, 1, 1, 1, 1, 1, 1,
    kPairs, 1, 1, 1, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands,
    kExpands, kPairs, kPairs, kExpands, kExpands, kExpands, 1, 1, 1, kPairs, 1, kPairs, 1, 1, 1, 1,
    1, 1, 3, kPairs, 1, 1, 1, kPairs, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, kPairs, 1, 2,
    1, 1, 1, 1, 1, 1, 1, 1, kPairs, kPairs, 1, kPairs, kPairs, 1, kExpands, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, kPairs, kExpands, 1,
    kExpands, kPairs, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, kExpands, 1, 1, 1, 1, 1, 1, 1,
    kPairs, 1, 1, 1, kPairs, kPairs, 1, 1, 1, kPairs, kPairs, kPairs, kPairs, kPairs, kPairs, 1,
    kPairs, kPairs, kPairs, kPairs, 1, kPairs, 1, 1, 1, 1, 1, 1, 1, kExpands, kExpands, kExpands,
    kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, 1, 1,
    1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    0, 0, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, kExpands, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 2, 2, 1, 1, 2, 2, 2, 1, 3, 1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 1, 1, 1,
};

/// What kExpands leads to.
inline constexpr char16_t kExpansions[][3] = {
    {0x73, 0x73}, {0x69, 0x6A}, {0x69, 0x6A}, {0x64, 0x7A}, {0x64, 0x7A}, {0x64, 0x7A},
    {0x6C, 0x6A}, {0x6C, 0x6A}, {0x6C, 0x6A}, {0x6E, 0x6A}, {0x6E, 0x6A}, {0x6E, 0x6A},
    {0x64, 0x7A}, {0x64, 0x7A}, {0x64, 0x7A}, {0x565, 0x582}, {0x61, 0x2BE}, {0x73, 0x73},
    {0x2E, 0x2E, 0x2E}, {0x66, 0x66}, {0x66, 0x69}, {0x66, 0x6C}, {0x66, 0x66, 0x69},
    {0x66, 0x66, 0x6C}, {0x73, 0x74}, {0x73, 0x74}, {0x574, 0x576}, {0x574, 0x565}, {0x574, 0x56B},
    {0x57E, 0x576}, {0x574, 0x56D}, {0x644, 0x622}, {0x644, 0x622}, {0x644, 0x623}, {0x644, 0x623},
    {0x644, 0x625}, {0x644, 0x625}, {0x644, 0x627}, {0x644, 0x627},
};

/// The letters.
inline constexpr std::uint8_t kLetterSteps[] = {
    224, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3, 1, 1, 1, 1, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 2, 2, 2, 1, 5, 2, 3, 2, 2, 6, 2, 2, 5, 2, 2, 4,
    2, 2, 2, 2, 2, 2, 2, 2, 4, 2, 2, 2, 2, 2, 2, 2, 3, 2, 2, 35, 15, 30, 2, 2, 2, 2, 2, 2, 2, 3, 2,
    2, 4, 2, 2, 2, 2, 1, 5, 4, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4, 8, 2, 2, 2, 2,
    2, 2, 145, 2, 76, 28, 1, 1, 1, 1, 26, 1, 1, 1, 1, 5, 1, 124, 1, 2, 4, 5, 1, 1, 25, 75, 15, 2, 4,
    4, 2, 2, 4, 2, 2, 4, 2, 2, 2, 2, 2, 4, 169, 2, 1, 1, 1, 1, 154, 1, 2, 17, 214, 4, 8, 3, 36, 1,
    1, 1, 1, 1, 1, 1, 108, 1, 16, 1, 2, 84, 3, 35, 1, 1, 3, 234, 1, 3, 1, 16, 1, 55, 54, 1, 1, 124,
    120, 7, 1, 2, 1, 127, 1, 1, 142, 1, 2, 1, 1, 229, 2, 10, 5, 5, 5, 13, 10, 2, 1, 2, 9, 18, 10, 5,
    5, 5, 13, 109, 224, 21, 2, 2, 2, 2, 4, 41, 2, 3, 1, 2, 190, 5, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1,
    1, 1, 1, 8, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 7, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 11, 1,
    1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 11, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1,
    1, 1, 1, 1, 9, 2, 2, 2, 2, 2, 2, 4, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 9, 1, 1, 1, 1,
    1, 1, 1, 9, 1, 1, 1, 1, 2, 1, 11, 1, 1, 2, 1, 9, 1, 1, 4, 1, 9, 1, 1, 2, 1, 1, 1, 11, 1, 1, 2,
    1, 166, 182, 3, 2, 11, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 2, 2, 1, 2, 1, 2, 1,
    1, 1, 1, 1, 1, 1, 1,
};

/// What they are without the mark.
inline constexpr char16_t kBases[] = {
    97, 97, 97, 97, 97, 97, 99, 101, 101, 101, 101, 105, 105, 105, 105, 110, 111, 111, 111, 111,
    111, 117, 117, 117, 117, 121, 121, 97, 97, 97, 99, 99, 99, 99, 100, 101, 101, 101, 101, 101,
    103, 103, 103, 103, 104, 105, 105, 105, 105, 105, 106, 107, 108, 108, 108, 110, 110, 110, 111,
    111, 111, 114, 114, 114, 115, 115, 115, 115, 116, 116, 117, 117, 117, 117, 117, 117, 119, 121,
    122, 122, 122, 111, 117, 97, 105, 111, 117, 252, 252, 252, 252, 228, 551, 230, 103, 107, 111,
    491, 658, 106, 103, 110, 229, 230, 248, 97, 97, 101, 101, 105, 105, 111, 111, 114, 114, 117,
    117, 115, 116, 104, 97, 101, 246, 245, 111, 559, 121, 776, 970, 945, 949, 951, 953, 971, 953,
    965, 959, 965, 969, 965, 965, 1077, 1077, 1075, 1110, 1082, 1080, 1091, 1141, 1078, 1072, 1072,
    1077, 1241, 1078, 1079, 1080, 1080, 1086, 1257, 1101, 1091, 1091, 1091, 1095, 1099, 1575, 1575,
    1608, 1575, 1610, 1749, 1729, 1746, 2344, 2352, 2355, 2325, 2326, 2327, 2332, 2337, 2338, 2347,
    2351, 2503, 2503, 2465, 2466, 2479, 2610, 2616, 2582, 2583, 2588, 2603, 2887, 2887, 2887, 2849,
    2850, 2962, 3014, 3015, 3014, 3142, 3263, 3270, 3270, 3270, 3274, 3398, 3399, 3398, 3545, 3545,
    3548, 3545, 3906, 3916, 3921, 3926, 3931, 3904, 3953, 3953, 4018, 4019, 3953, 3986, 3996, 4001,
    4006, 4011, 3984, 4133, 6917, 6919, 6921, 6923, 6925, 6929, 6970, 6972, 6974, 6975, 6978, 97,
    98, 98, 98, 231, 100, 100, 100, 100, 100, 275, 275, 101, 101, 553, 102, 103, 104, 104, 104, 104,
    104, 105, 239, 107, 107, 107, 108, 7735, 108, 108, 109, 109, 109, 110, 110, 110, 110, 245, 245,
    333, 333, 112, 112, 114, 114, 7771, 114, 115, 115, 347, 353, 7779, 116, 116, 116, 116, 117, 117,
    117, 361, 363, 118, 118, 119, 119, 119, 119, 119, 120, 120, 121, 122, 122, 122, 104, 116, 119,
    121, 97, 97, 226, 226, 226, 226, 7841, 259, 259, 259, 259, 7841, 101, 101, 101, 234, 234, 234,
    234, 7865, 105, 105, 111, 111, 244, 244, 244, 244, 7885, 417, 417, 417, 417, 417, 117, 117, 432,
    432, 432, 432, 432, 121, 121, 121, 121, 945, 945, 7936, 7937, 7936, 7937, 7936, 7937, 949, 949,
    7952, 7953, 7952, 7953, 951, 951, 7968, 7969, 7968, 7969, 7968, 7969, 953, 953, 7984, 7985,
    7984, 7985, 7984, 7985, 959, 959, 8000, 8001, 8000, 8001, 965, 965, 8016, 8017, 8016, 8017,
    8016, 8017, 969, 969, 8032, 8033, 8032, 8033, 8032, 8033, 945, 949, 951, 953, 959, 965, 969,
    7936, 7937, 7938, 7939, 7940, 7941, 7942, 7943, 7968, 7969, 7970, 7971, 7972, 7973, 7974, 7975,
    8032, 8033, 8034, 8035, 8036, 8037, 8038, 8039, 945, 945, 8048, 945, 940, 945, 8118, 8052, 951,
    942, 951, 8134, 953, 953, 970, 953, 970, 965, 965, 971, 961, 961, 965, 971, 8060, 969, 974, 969,
    8182, 1497, 1522, 1513, 1513, 64329, 64329, 1488, 1488, 1488, 1489, 1490, 1491, 1492, 1493,
    1494, 1496, 1497, 1498, 1499, 1500, 1502, 1504, 1505, 1507, 1508, 1510, 1511, 1512, 1513, 1514,
    1493, 1489, 1499, 1508,
};

inline constexpr char16_t kMarks[] = {
    768, 769, 770, 771, 776, 778, 807, 768, 769, 770, 776, 768, 769, 770, 776, 771, 768, 769, 770,
    771, 776, 768, 769, 770, 776, 769, 776, 772, 774, 808, 769, 770, 775, 780, 780, 772, 774, 775,
    808, 780, 770, 774, 775, 807, 770, 771, 772, 774, 808, 775, 770, 807, 769, 807, 780, 769, 807,
    780, 772, 774, 779, 769, 807, 780, 769, 770, 807, 780, 807, 780, 771, 772, 774, 778, 779, 808,
    770, 770, 769, 775, 780, 795, 795, 780, 780, 780, 780, 772, 769, 780, 768, 772, 772, 772, 780,
    780, 808, 772, 780, 780, 769, 768, 769, 769, 769, 783, 785, 783, 785, 783, 785, 783, 785, 783,
    785, 783, 785, 806, 806, 780, 775, 807, 772, 772, 775, 772, 772, 769, 769, 769, 769, 769, 769,
    769, 776, 776, 769, 769, 769, 769, 776, 768, 776, 769, 776, 769, 768, 774, 783, 774, 774, 776,
    774, 776, 776, 776, 772, 776, 776, 776, 776, 772, 776, 779, 776, 776, 1619, 1620, 1620, 1621,
    1620, 1620, 1620, 1620, 2364, 2364, 2364, 2364, 2364, 2364, 2364, 2364, 2364, 2364, 2364, 2494,
    2519, 2492, 2492, 2492, 2620, 2620, 2620, 2620, 2620, 2620, 2902, 2878, 2903, 2876, 2876, 3031,
    3006, 3006, 3031, 3158, 3285, 3285, 3286, 3266, 3285, 3390, 3390, 3415, 3530, 3535, 3530, 3551,
    4023, 4023, 4023, 4023, 4023, 4021, 3954, 3956, 3968, 3968, 3968, 4023, 4023, 4023, 4023, 4023,
    4021, 4142, 6965, 6965, 6965, 6965, 6965, 6965, 6965, 6965, 6965, 6965, 6965, 805, 775, 803,
    817, 769, 775, 803, 817, 807, 813, 768, 769, 813, 816, 774, 775, 772, 775, 803, 776, 807, 814,
    816, 769, 769, 803, 817, 803, 772, 817, 813, 769, 775, 803, 775, 803, 817, 813, 769, 776, 768,
    769, 769, 775, 775, 803, 772, 817, 775, 803, 775, 775, 775, 775, 803, 817, 813, 804, 816, 813,
    769, 776, 771, 803, 768, 769, 776, 775, 803, 775, 776, 775, 770, 803, 817, 817, 776, 778, 778,
    803, 777, 769, 768, 777, 771, 770, 769, 768, 777, 771, 774, 803, 777, 771, 769, 768, 777, 771,
    770, 777, 803, 803, 777, 769, 768, 777, 771, 770, 769, 768, 777, 771, 803, 803, 777, 769, 768,
    777, 771, 803, 768, 803, 777, 771, 787, 788, 768, 768, 769, 769, 834, 834, 787, 788, 768, 768,
    769, 769, 787, 788, 768, 768, 769, 769, 834, 834, 787, 788, 768, 768, 769, 769, 834, 834, 787,
    788, 768, 768, 769, 769, 787, 788, 768, 768, 769, 769, 834, 834, 787, 788, 768, 768, 769, 769,
    834, 834, 768, 768, 768, 768, 768, 768, 768, 837, 837, 837, 837, 837, 837, 837, 837, 837, 837,
    837, 837, 837, 837, 837, 837, 837, 837, 837, 837, 837, 837, 837, 837, 774, 772, 837, 837, 837,
    834, 837, 837, 837, 837, 834, 837, 774, 772, 768, 834, 834, 774, 772, 768, 787, 788, 834, 834,
    837, 837, 837, 834, 837, 1460, 1463, 1473, 1474, 1473, 1474, 1463, 1464, 1468, 1468, 1468, 1468,
    1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468, 1468,
    1468, 1468, 1465, 1471, 1471, 1471,
};

/// The runs' first code points.
inline constexpr std::uint8_t kClassFirstSteps[] = {
    128, 1, 45, 1, 56, 17, 1, 202, 3, 4, 12, 14, 5, 7, 1, 1, 1, 17, 79, 1, 33, 4, 2, 7, 51, 69, 2,
    138, 1, 1, 8, 207, 1, 6, 41, 8, 45, 1, 1, 1, 2, 1, 2, 1, 9, 35, 29, 11, 1, 1, 3, 32, 1, 10, 31,
    4, 2, 1, 99, 1, 1, 7, 2, 6, 2, 2, 1, 4, 15, 2, 1, 16, 230, 1, 4, 4, 2, 48, 16, 30, 2, 40, 1, 7,
    8, 50, 24, 1, 29, 100, 13, 129, 1, 10, 1, 1, 120, 11, 111, 9, 119, 1, 1, 16, 110, 16, 119, 9, 4,
    1, 202, 1, 5, 4, 7, 17, 10, 122, 13, 48, 1, 2, 11, 1, 7, 8, 50, 48, 1, 2, 9, 11, 20, 36, 1, 23,
    2, 27, 1, 1, 1, 1, 1, 4, 71, 1, 56, 8, 1, 57, 43, 20, 11, 6, 6, 4, 4, 3, 1, 3, 2, 7, 3, 4, 13,
    12, 1, 15, 50, 43, 1, 4, 95, 2, 159, 1, 224, 2, 32, 16, 16, 96, 1, 236, 4, 2, 17, 1, 26, 5, 75,
    3, 71, 11, 64, 52, 2, 30, 3, 1, 4, 1, 19, 27, 21, 160, 2, 16, 138, 1, 38, 30, 2, 128, 1, 7, 1,
    8, 80, 90, 17, 9, 12, 124, 4, 59, 18, 49, 2, 64, 16, 3, 1, 236, 1, 220, 1, 161, 2, 79, 4, 26, 5,
    49, 16, 1, 3, 11, 1, 16, 16, 48, 48, 2, 1, 4, 1, 2, 10, 1, 1, 3, 5, 6, 1, 3, 1, 3, 2, 1, 11, 2,
    4, 5, 5, 4, 1, 33, 25, 167, 21, 181, 1, 7, 13, 7, 112, 15, 129, 1, 47, 1, 213, 3, 3, 25, 15, 1,
    5, 2, 5, 4, 88, 2, 2, 3, 1, 90, 1, 53, 51, 1, 43, 16, 32, 48, 16, 128, 4, 192, 51, 64, 128, 164,
    1, 144, 9, 64, 46, 2, 141, 2, 3, 99, 1, 10, 1, 115, 37, 9, 3, 102, 3, 156, 1, 4, 4, 16, 52, 12,
    78, 18, 24, 3, 1, 1, 49, 2, 47, 1, 32, 65, 14, 15, 2, 5, 1, 26, 92, 4, 23, 3, 1, 3, 2, 94, 2,
    16, 2, 105, 1, 14, 6, 123, 1, 20, 128, 88, 128, 66, 158, 4, 11, 38, 99, 33, 235, 2, 18, 127, 33,
    12, 4, 16, 16, 16, 64, 143, 1, 161, 1, 89,
};

inline constexpr CharClass kClasses[] = {
    CharClass::kSeparator, CharClass::kIgnorable, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kDiacritic,
    CharClass::kIgnorable, CharClass::kDiacritic, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kDiacritic, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kDiacritic,
    CharClass::kSeparator, CharClass::kDiacritic, CharClass::kSeparator, CharClass::kDiacritic,
    CharClass::kSeparator, CharClass::kDiacritic, CharClass::kSeparator, CharClass::kDiacritic,
    CharClass::kWord, CharClass::kSeparator, CharClass::kDiacritic, CharClass::kSeparator,
    CharClass::kIgnorable, CharClass::kSeparator, CharClass::kWord, CharClass::kDiacritic,
    CharClass::kWord, CharClass::kDiacritic, CharClass::kSeparator, CharClass::kWord,
    CharClass::kDiacritic, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kDiacritic, CharClass::kSeparator, CharClass::kDiacritic, CharClass::kWord,
    CharClass::kDiacritic, CharClass::kSeparator, CharClass::kDiacritic, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kDiacritic, CharClass::kSeparator, CharClass::kDiacritic, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced,
    CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kHangul, CharClass::kIgnorable, CharClass::kHangul, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kUnspaced, CharClass::kIgnorable, CharClass::kUnspacedMark, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced, CharClass::kUnspacedMark,
    CharClass::kSeparator, CharClass::kIgnorable, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kDiacritic, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kDiacritic, CharClass::kWord, CharClass::kSeparator, CharClass::kIgnorable,
    CharClass::kSeparator, CharClass::kIgnorable, CharClass::kSeparator, CharClass::kIgnorable,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kDiacritic,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kHangul, CharClass::kIgnorable, CharClass::kHangul,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator, CharClass::kUnspaced,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kWord, CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator,
    CharClass::kHangul, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced,
    CharClass::kWord, CharClass::kSeparator, CharClass::kUnspaced, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kUnspacedMark, CharClass::kUnspaced, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kHangul, CharClass::kSeparator,
    CharClass::kUnspaced, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kWord,
    CharClass::kSeparator, CharClass::kWord, CharClass::kSeparator, CharClass::kIgnorable,
    CharClass::kSeparator, CharClass::kDiacritic, CharClass::kSeparator, CharClass::kWord,
    CharClass::kIgnorable, CharClass::kHangul, CharClass::kSeparator,
};

// clang-format on

}  // namespace agent_memory::detail
