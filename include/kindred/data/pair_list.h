#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kindred/core/export.h"
#include "kindred/core/index.h"
#include "kindred/data/embedding_file.h"

namespace KINDRED_API kindred {

/// Pairs of rows to be judged the same or not the same.
struct PairList {
  std::vector<Index> first;             ///< [P] rows
  std::vector<Index> second;            ///< [P] rows
  std::vector<std::uint8_t> same;       ///< [P] 1 or 0
  std::vector<std::int64_t> fold;       ///< [P], or empty where the list has no folds
  std::vector<std::string> notes = {};  ///< how the list was read, for people
};

/// Reads a list of pairs and finds its images among `file`'s rows:
///   LFW's text lists   "10<TAB>300" or "500", then by fold as many lines "NAME N1 N2" (same) and
///                      "NAME1 N1 NAME2 N2" (not same): images NAME_000N of /paths, whatever their
///                      folder and extension. A list of one count has no folds
///   other lists        FIRST,SECOND,SAME[,FOLD], separated by commas, tabs, semicolons, bars or
///                      blanks, quoted or not, in UTF-8 or UTF-16; a first line may name the
///                      columns, in any order. SAME is 1, true, yes, same or 0, -1, false, no,
///                      different. Images by their path in /paths (in full, or by its end, or
///                      without extension), or by row number
///   HDF5               data set /pairs int64 [P, 2] of row numbers, with /same [P] (without it the
///                      labels decide) and, where there are folds, /fold [P]; "FILE.h5:/group".
///                      Where the file has /paths, rows are its own and found by path
/// Not trusted: each line is checked. Fails with no_input, or data: a damaged list, pairs that name
/// images the file has not (with their number and the first), an image named that exists twice.
PairList read_pair_list(const std::string& path, const EmbeddingFile& file);
/// The same for samples that have no embeddings yet: rows are indices of `paths`.
PairList read_pair_list(const std::string& path, const std::vector<std::string>& paths);

/// `count` pairs of one class and as many of two among `rows`, in turns: every class with two rows
/// or more is as likely as any other, and so is every row of it. A pair may come twice. A function
/// of its arguments. Fails with data where there are no such classes.
PairList draw_pairs(std::span<const std::int64_t> labels, std::span<const Index> rows, Index count,
                    std::uint64_t seed);

}  // namespace kindred
