// Aligned text tables for terminals.
#pragma once

#include <string>
#include <vector>

namespace tenfold::report {

/// Rows of cells under a header; numbers right-aligned, a rule below the header.  Widths count Unicode code
/// points.
class Table {
 public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  /// Marks the row added last (an arrow in front of it).
  void mark() { marked_ = rows_.size() - 1; }
  std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
  size_t marked_ = 0;
};

}  // namespace tenfold::report
