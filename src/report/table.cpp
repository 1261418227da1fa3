#include "report/table.hpp"

#include <algorithm>
#include <cctype>

namespace tenfold::report {
namespace {

size_t width_of(const std::string& s) {
  return static_cast<size_t>(std::count_if(
      s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

bool is_numeric(const std::string& s) {
  return !s.empty() &&
         (std::isdigit(static_cast<unsigned char>(s[0])) || s[0] == '-' || s[0] == '+' || s[0] == '[');
}

std::string pad(const std::string& s, size_t width, bool right) {
  const std::string space(width > width_of(s) ? width - width_of(s) : 0, ' ');
  return right ? space + s : s + space;
}

}  // namespace

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_)
    for (size_t c = 0; c < row.size(); c++) {
      if (c >= widths.size()) widths.push_back(0);
      widths[c] = std::max(widths[c], width_of(row[c]));
    }
  std::string text;
  for (size_t r = 0; r < rows_.size(); r++) {
    std::string line = marked_ && r == marked_ ? "> " : marked_ ? "  " : "";
    for (size_t c = 0; c < rows_[r].size(); c++) {
      const bool right = rows_.size() > 1 && c < rows_[1].size() && is_numeric(rows_[1][c]);
      line += pad(rows_[r][c], widths[c], right) + (c + 1 < rows_[r].size() ? "  " : "");
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + '\n';
    if (r == 0) {
      size_t total = marked_ ? 2 : 0;
      for (size_t c = 0; c < widths.size(); c++) total += widths[c] + (c + 1 < widths.size() ? 2 : 0);
      for (size_t i = 0; i < total; i++) text += "─";
      text += '\n';
    }
  }
  return text;
}

}  // namespace tenfold::report
