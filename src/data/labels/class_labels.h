#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "kindred/core/index.h"

namespace kindred {

/// Labels as somebody stored them: rows of whole numbers, of reals or of texts.
struct LabelValues {
  std::string where = {};                ///< for messages: "FILE: /y"
  std::string name = {};                 ///< as an option names them: "y"
  Index columns = 1;                     ///< values a row
  std::vector<std::int64_t> whole = {};  ///< exact
  bool is_unsigned = false;              ///< `whole` are the bits of uint64
  std::vector<double> reals = {};
  std::vector<std::string> texts = {};

  Index rows() const;
  /// Those of some rows.
  LabelValues of(Index first, Index count) const;
};

/// What becomes of samples whose label is negative.
enum class NegativeLabels { refuse, drop, as_classes };
/// By the name that options have for it: "", "drop" or "class". Fails with usage.
NegativeLabels negative_labels_named(const std::string& name);

/// What labels mean: one class each.
struct ClassLabels {
  std::vector<std::int64_t> labels;      ///< from 0; -1: the sample is left out
  std::vector<std::string> class_names;  ///< where they are not the numbers as stored
  std::vector<std::string> notes;        ///< what was taken for what
  Index left_out = 0;                    ///< samples
};

/// The one rule for labels, whatever they come from:
///   whole numbers from 0 on   stay as they are, exactly
///   numbers beyond int64      are counted in their order; the numbers become the names
///   negative numbers          are refused, left out or counted, as `negative` says
///   reals                     are whole numbers below 2^53; fractions are refused, unless their
///                             column was asked for: then they are counted
///   texts                     are counted in their order
///   rows of several values    have a single 1 among zeros, or one column of them is asked for
/// Parts (of several splits) are added one by one and counted together. Fails with data.
class LabelReader {
 public:
  explicit LabelReader(NegativeLabels negative = NegativeLabels::refuse, Index column = -1)
      : negative_(negative), column_(column) {}

  void add(LabelValues part);
  /// `names`: of classes, by label; texts that are all among them are numbered by them.
  ClassLabels finish(std::vector<std::string> names = {});

 private:
  /// In order of size: what int64 does not hold comes last.
  using Number = std::pair<bool, std::int64_t>;

  void add_column(LabelValues part);
  void take_reals(const LabelValues& part);
  void refuse_mixed(const LabelValues& part);
  void count_texts(const std::vector<std::string>& names, ClassLabels& result);
  void count_numbers(std::vector<std::string> names, ClassLabels& result);
  [[noreturn]] void refuse_negative() const;

  NegativeLabels negative_;
  Index column_;
  std::string where_;                                 // of the first part
  std::vector<std::pair<std::string, Index>> parts_;  // where, rows
  std::vector<Number> numbers_;
  std::vector<double> fractions_;
  std::vector<std::string> texts_;
  Index one_hot_ = 0;  // columns
};

}  // namespace kindred
