#!/usr/bin/env python3
"""Writes src/text/unicode_tables.hpp to standard output, from the Unicode data of this Python (3.13: 15.1).

The tables cover the BMP from U+0080; folding.cpp has rules for what is regular (ASCII, Hangul, kana, the other planes).
"""
import unicodedata


def spans(*pairs):
    return {c for first, last in pairs for c in range(first, last + 1)}


BMP = [c for c in range(0x80, 0x10000) if not 0xD800 <= c <= 0xDFFF]
HANGUL = spans((0x1100, 0x11FF), (0x3130, 0x318F), (0xA960, 0xA97F), (0xAC00, 0xD7FF), (0xFFA0, 0xFFDC))
CJK_COMPATIBILITY = spans((0xF900, 0xFAFF))
KANA = spans((0x3041, 0x30FF))
UNSPACED_SCRIPTS = spans((0xE00, 0xEFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0xA9E0, 0xA9FF), (0xAA60, 0xAA7F))
# Letters of phonetics and of older orthographies whose case nobody writes in a chat: not worth their bytes.
NO_CASE = spans((0x13A0, 0x13FD), (0xAB70, 0xABBF), (0x1C80, 0x1C88), (0x2C62, 0x2C64), (0x2C6D, 0x2C70),
                (0xA77D, 0xA77D), (0xA78D, 0xA78D), (0xA7AA, 0xA7B3), (0xA7C4, 0xA7C6), (0x2132, 0x2132), (0x24B6, 0x24CF))
# Invisible in a word: Default_Ignorable_Code_Point, the Hangul fillers included.
IGNORABLE = spans((0xAD, 0xAD), (0x34F, 0x34F), (0x61C, 0x61C), (0x115F, 0x1160), (0x17B4, 0x17B5), (0x180B, 0x180F),
                  (0x200C, 0x200F), (0x202A, 0x202E), (0x2060, 0x206F), (0x3164, 0x3164), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF))
# Marks that a search ignores: European diacritics, Hebrew points, Arabic vowel signs and the tatweel.
DIACRITIC = spans((0x300, 0x34E), (0x350, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x5BF, 0x5BF), (0x5C1, 0x5C2), (0x5C4, 0x5C5),
                  (0x5C7, 0x5C7), (0x610, 0x61A), (0x640, 0x640), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6DC),
                  (0x6DF, 0x6E4), (0x6E7, 0x6E8), (0x6EA, 0x6ED), (0x8CA, 0x8E1), (0x8E3, 0x8FF), (0x1AB0, 0x1AFF),
                  (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F))


def category(c):
    return unicodedata.category(chr(c))


def decomposition(c):
    """(kind, code points): kind is '' for a canonical one, None for none."""
    fields = unicodedata.decomposition(chr(c)).split()
    if not fields:
        return None, []
    kind = fields.pop(0) if fields[0].startswith('<') else ''
    return kind, [int(f, 16) for f in fields]


# One code point to one: lower case, digits to ASCII, width, typographic quotes, and letters that case folding or
# compatibility makes one (final sigma, long s, Kelvin).
single = {0x2018: 0x27, 0x2019: 0x27, 0x201B: 0x27, 0x2BC: 0x27, 0x201C: 0x22, 0x201D: 0x22, 0x149: 0x6E}
several = {0xDF: 'ss', 0x1E9E: 'ss', 0x587: '\u0565\u0582', 0x2026: '...'}
for c in BMP:
    if c in single or c in several or c in DIACRITIC and category(c) != 'Mn':
        continue
    char, kind_points = chr(c), decomposition(c)
    kind, points = kind_points
    if category(c) == 'Nd':
        single[c] = 0x30 + unicodedata.digit(char)
    elif category(c)[0] not in 'LM' and kind not in ('<wide>', '<narrow>') and not (c == 0x3000 or 0x2160 <= c <= 0x216F):
        continue
    elif kind == '' and len(points) == 1 and c not in CJK_COMPATIBILITY:
        single[c] = ord(chr(points[0]).lower())
    elif kind in ('<wide>', '<narrow>') and c not in HANGUL:
        single[c] = ord(chr(points[0]).lower())
    elif kind and (c < 0x250 or 0x3D0 <= c <= 0x3FF or 0x1E00 <= c <= 0x1EFF or 0xFB00 <= c <= 0xFB17 or 0xFE80 <= c <= 0xFEFC):
        to = unicodedata.normalize('NFKD' if c < 0x2000 else 'NFKC', char).casefold().replace('\xB7', '')
        if 0x1C4 <= c <= 0x1CC:
            to = to.replace('\u030C', '')
        if len(to) == 1:
            single[c] = ord(to)
        else:
            several[c] = to
    elif c not in NO_CASE:
        lower, folded = char.lower(), char.casefold()
        to = folded if lower == char and len(folded) == 1 else lower
        if c != 0x345 and len(to) == 1 and to != char:
            single[c] = ord(to)
single[0x3000] = 0x20

# Letter + mark. U+0439 is a letter of its own: compose() makes it of its parts. U+0130 is capital, but has no small form.
composed = {0x130: [0x69, 0x307]}
for c in BMP:
    kind, points = decomposition(c)
    if kind == '' and len(points) == 2 and c not in composed and category(c)[0] in 'LM' and c not in single and c not in KANA | CJK_COMPATIBILITY \
            and not (0xAC00 <= c <= 0xD7A3 or c == 0x439):
        composed[c] = [single.get(points[0], points[0]), points[1]]


def case_runs():
    """Greedy: (first, to, size, step); to advances by step, or for kPairs only at every other one."""
    runs, left = [], sorted(single)
    while left:
        first, to = left[0], single[left[0]]
        best = (1, 1)
        for step in (0, 1, 2, 3):
            size = 1
            while size < 254 and single.get(first + size) == to + size * step:
                size += 1
            best = max(best, (size, step), key=lambda b: b[0])
        size = 0
        while to == first + 1 and size < 254 and single.get(first + size) == first + size + 1 and first + size + 1 not in single:
            size += 2
        if size > max(2, best[0]):
            best = (size, 'kPairs')
        runs.append((first, to, *best))
        left = [c for c in left if c >= first + best[0]]
    runs += [(c, i, 1, 'kExpands') for i, c in enumerate(sorted(several))]
    return sorted(runs)


def char_class(c):
    if c in IGNORABLE:
        return 'kIgnorable'
    if c in DIACRITIC:
        return 'kDiacritic'
    if c in single or c in several or c in composed or category(c) == 'Cn':
        return None  # never asked for, or not assigned: whatever its neighbour is
    if category(c) in ('Co', 'Cs'):
        return 'kSeparator'
    if c in HANGUL:
        return 'kHangul'
    if category(c)[0] not in 'LM' and category(c) != 'Nl':
        return 'kSeparator'
    if c in UNSPACED_SCRIPTS:
        return 'kUnspacedMark' if category(c)[0] == 'M' else 'kUnspaced'
    if c in (0x3099, 0x309A):
        return 'kUnspacedMark'
    return 'kUnspaced' if 0x3005 <= c <= 0x9FFF or c in CJK_COMPATIBILITY else 'kWord'


def class_runs():
    runs = []
    for c in range(0x80, 0x10000):
        name = 'kSeparator' if 0xD800 <= c <= 0xDFFF else char_class(c)
        if name and (not runs or runs[-1][1] != name):
            runs.append((c, name))
    return runs


def rows(items):
    line = '   '
    for item in items:
        if len(line) + 1 + len(item) > 100:
            yield line
            line = '   '
        line += ' ' + item
    yield line


def table(comment, declaration, items):
    print(f'\n/// {comment}' if comment else '')
    print(f'inline constexpr {declaration} = {{')
    print('\n'.join(rows(items)))
    print('};')


def column(comment, declaration, numbers):
    table(comment, declaration, [f'{n},' for n in numbers])


def steps(numbers):
    """The differences of rising numbers, seven bits a byte, the lowest first; 128 says that more follow."""
    before = 0
    for number in numbers:
        step = number - before
        before = number
        while step >= 128:
            yield step % 128 + 128
            step //= 128
        yield step


cases, decompositions, classes = case_runs(), sorted(composed.items()), class_runs()
print(f'''// SPDX-License-Identifier: MIT
#pragma once

// Written by unicode_tables.py from Unicode 15.1: run it again instead of editing. For folding.cpp.
//
// A column an array, and what rises as its steps (seven bits a byte, the lowest first; 128 says
// that more follow): so a download has them in half the bytes.

#include <cstddef>
#include <cstdint>

#include "text/folding.hpp"

namespace agent_memory::detail {{

// clang-format off

// Runs of letters that folding changes: `size` code points from `first`; the k-th becomes
// first + shift + k * step.
inline constexpr std::size_t kCaseRuns = {len(cases)};
/// As step: capitals and small letters in turn, and the small ones stay.
inline constexpr std::uint8_t kPairs = 255;
/// As step: the shift is an index into kExpansions, each of which ends with a 0 or with its array.
inline constexpr std::uint8_t kExpands = 254;

// Letters that are another and a mark. The other may have parts itself.
inline constexpr std::size_t kDecompositions = {len(decompositions)};

// Of every code point from a run's first to the next run that stays itself in folding.
inline constexpr std::size_t kClassRuns = {len(classes)};''')
column('The runs\' first code points.', 'std::uint8_t kCaseFirstSteps[]', steps(f for f, *_ in cases))
column('Modulo 2^16.', 'char16_t kCaseShifts[]', [to if s == 'kExpands' else (to - f) % 65536 for f, to, _, s in cases])
column('', 'std::uint8_t kCaseSizes[]', [n for *_, n, _ in cases])
column('', 'std::uint8_t kCaseSteps[]', [s for *_, s in cases])
table('What kExpands leads to.', 'char16_t kExpansions[][3]',
      [f'{{{", ".join(f"0x{ord(x):X}" for x in several[c])}}},' for c in sorted(several)])
column('The letters.', 'std::uint8_t kLetterSteps[]', steps(c for c, _ in decompositions))
column('What they are without the mark.', 'char16_t kBases[]', [p[0] for _, p in decompositions])
column('', 'char16_t kMarks[]', [p[1] for _, p in decompositions])
column('The runs\' first code points.', 'std::uint8_t kClassFirstSteps[]', steps(c for c, _ in classes))
table('', 'CharClass kClasses[]', [f'CharClass::{name},' for _, name in classes])
print('''
// clang-format on

}  // namespace agent_memory::detail''')
