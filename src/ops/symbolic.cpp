#include "ops/symbolic.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <map>
#include <numeric>

#include "base/math.hpp"

namespace tenfold::ops {
namespace {

/// Longer expressions become opaque symbols, so that no model can make texts grow without bound.
constexpr size_t kMaxText = 256;

/// Sorted names of the symbols and calls ("floor(...)") that are multiplied; empty for the constant term.
using Monomial = std::vector<std::string>;
/// A sum of integer multiples of monomials, without zero coefficients.  INT64_MIN is none either: its
/// quotient by -1 and its absolute value overflow.
using Polynomial = std::map<Monomial, int64_t>;

bool is_name_char(char ch) { return std::string_view("+-*(){}, ").find(ch) == std::string_view::npos; }

/// Reads the texts that print() writes; anything else fails as a whole and is then one atom.
class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  bool parse(Polynomial& out) {
    int64_t sign = 1;
    if (peek() == '-') {
      sign = -1;
      at_++;
    }
    do {
      if (!term(sign, out)) return false;
      if (peek() != '+' && peek() != '-') break;
      sign = text_[at_++] == '-' ? -1 : 1;
    } while (true);
    return at_ == text_.size();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool term(int64_t sign, Polynomial& out) {
    Monomial m;
    int64_t k = sign;
    while (true) {
      if (std::isdigit(static_cast<unsigned char>(peek()))) {
        int64_t n = 0;
        const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), n);
        if (error != std::errc() || __builtin_mul_overflow(k, n, &k)) return false;
        at_ = static_cast<size_t>(end - text_.data());
      } else if (std::string a = atom(); !a.empty()) {
        m.push_back(std::move(a));
      } else {
        return false;
      }
      if (peek() != '*') break;
      at_++;
    }
    std::sort(m.begin(), m.end());
    int64_t& sum = out[m];
    if (__builtin_add_overflow(sum, k, &sum) || sum == INT64_MIN) return false;
    if (sum == 0) out.erase(m);
    return true;
  }

  std::string atom() {
    const size_t begin = at_;
    if (peek() == '{') {
      const size_t end = text_.find('}', at_);
      if (end == std::string_view::npos) return {};
      at_ = end + 1;
      return std::string(text_.substr(begin + 1, end - begin - 1));
    }
    while (at_ < text_.size() && is_name_char(text_[at_])) at_++;
    if (peek() == '(' && at_ > begin) {
      int depth = 0;
      do {
        if (peek() == '(') depth++;
        if (peek() == ')') depth--;
        if (at_ >= text_.size()) return {};
        at_++;
      } while (depth > 0);
    }
    return std::string(text_.substr(begin, at_ - begin));
  }

  std::string_view text_;
  size_t at_ = 0;
};

Polynomial constant(int64_t k) { return k == 0 ? Polynomial{} : Polynomial{{Monomial{}, k}}; }

/// Is `name` a lone atom that print() may write without braces?
bool prints_bare(const std::string& name) {
  Polynomial p;
  return Parser(name).parse(p) && p.size() == 1 && p.begin()->second == 1 &&
         p.begin()->first == Monomial{name};
}

Polynomial read(const InferContext& c, int64_t extent) {
  if (!is_symbol(extent)) return constant(extent);
  const std::string& name = c.symbol_name(extent);
  Polynomial p;
  if (name.size() <= kMaxText && Parser(name).parse(p) && !p.empty() &&
      !(p.size() == 1 && p.begin()->first.empty()))
    return p;
  return {{Monomial{name}, 1}};
}

std::string print(const Polynomial& p) {
  std::string text;
  for (auto it = p.rbegin(); it != p.rend(); ++it) {  // the constant term sorts first and prints last
    const auto& [monomial, k] = *it;
    if (k > 0 && !text.empty()) text += '+';
    if (monomial.empty()) {
      text += std::to_string(k);
      continue;
    }
    if (k == -1)
      text += '-';
    else if (k != 1)
      text += std::to_string(k) + "*";
    for (size_t i = 0; i < monomial.size(); i++) {
      if (i) text += '*';
      text += prints_bare(monomial[i]) ? monomial[i] : "{" + monomial[i] + "}";
    }
  }
  return text.empty() ? "0" : text;
}

int64_t symbol_named(InferContext& c, const std::string& text) {
  return text.size() > kMaxText ? c.fresh_symbol() : c.symbol_for(text);
}

int64_t write(InferContext& c, const Polynomial& p) {
  if (p.empty()) return 0;
  if (p.size() == 1) {
    const auto& [monomial, k] = *p.begin();
    if (monomial.empty()) {
      if (is_symbol(k)) c.error("size overflow: {}", k);
      return k;
    }
    if (monomial.size() == 1 && k == 1) return c.symbol_for(monomial[0]);
  }
  return symbol_named(c, print(p));
}

Polynomial add(const Polynomial& a, const Polynomial& b, int64_t scale) {
  Polynomial r = a;
  for (const auto& [m, k] : b) {
    int64_t& sum = r[m];
    sum = checked_add(sum, checked_mul(k, scale));
    if (sum == INT64_MIN) fail(ErrorCode::invalid_model, "size overflow: {}", sum);
    if (sum == 0) r.erase(m);
  }
  return r;
}

Polynomial multiply(const Polynomial& a, const Polynomial& b) {
  Polynomial r;
  for (const auto& [ma, ka] : a)
    for (const auto& [mb, kb] : b) {
      Monomial m;
      std::merge(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(m));
      r = add(r, {{m, checked_mul(ka, kb)}}, 1);
    }
  return r;
}

/// a / b where b is one term that divides every term of a, or a is a multiple of b.
std::optional<Polynomial> divide_exactly(const Polynomial& a, const Polynomial& b) {
  if (a.empty()) return Polynomial{};
  if (b.size() == 1) {
    const auto& [mb, kb] = *b.begin();
    Polynomial r;
    for (const auto& [ma, ka] : a) {
      if (ka % kb != 0 || !std::includes(ma.begin(), ma.end(), mb.begin(), mb.end())) return std::nullopt;
      Monomial m;
      std::set_difference(ma.begin(), ma.end(), mb.begin(), mb.end(), std::back_inserter(m));
      r[m] = ka / kb;
    }
    return r;
  }
  if (b.empty() || a.size() != b.size()) return std::nullopt;
  // Common factors are a monomial: the quotient of the leading terms, if it fits all of them.
  const auto lead = divide_exactly({*a.rbegin()}, {*b.rbegin()});
  if (lead && multiply(b, *lead) == a) return lead;
  return std::nullopt;
}

/// Is this a call that this file wrote?  A longer text is a name in the model, and calls in it may be nested
/// deeper than the stack allows.
bool is_call(const std::string& factor, std::string_view begin) {
  return factor.size() <= kMaxText && factor.starts_with(begin);
}

/// p as min(a, b), where it is written so: a - max(0, a - b).
struct Minimum {
  Polynomial a, b;
};
std::optional<Minimum> as_minimum(const Polynomial& p) {
  constexpr std::string_view kMax = "max(0,";
  for (const auto& [monomial, k] : p) {
    if (k != -1 || monomial.size() != 1 || !is_call(monomial[0], kMax)) continue;
    Minimum m{p, {}};
    m.a.erase(monomial);
    Polynomial inner;
    const std::string_view text = monomial[0];
    if (!Parser(text.substr(kMax.size(), text.size() - kMax.size() - 1)).parse(inner)) return std::nullopt;
    m.b = add(m.a, inner, -1);
    return m;
  }
  return std::nullopt;
}

bool is_at_least_one(const Polynomial& p) {
  return p.size() == 1 && p.begin()->first.empty() && p.begin()->second >= 1;
}

/// Reads what operand() writes.
bool read_operand(std::string_view text, Polynomial& out) {
  if (text.starts_with('(') && text.ends_with(')')) text = text.substr(1, text.size() - 2);
  return Parser(text).parse(out);
}

std::optional<int64_t> lower_bound(const Polynomial& p);

/// Symbols are extents and at least 0, only quotients may be negative.
std::optional<int64_t> lower_bound(const std::string& factor) {
  constexpr std::string_view kFloor = "floor(";
  if (!is_call(factor, kFloor)) return 0;
  const size_t slash = factor.rfind('/');
  if (slash == std::string::npos) return std::nullopt;
  const std::string_view text = factor;
  Polynomial above, below;
  if (!read_operand(text.substr(kFloor.size(), slash - kFloor.size()), above) ||
      !read_operand(text.substr(slash + 1, text.size() - slash - 2), below))
    return std::nullopt;
  const auto low = lower_bound(above);
  if (low && is_at_least_one(below)) {
    const int64_t by = below.begin()->second;
    return *low / by - (*low % by < 0);
  }
  if (low.value_or(-1) < 0 || lower_bound(below).value_or(-1) < 0) return std::nullopt;
  return 0;
}

/// What a sum never falls below, where anything is known.
std::optional<int64_t> lower_bound(const Polynomial& p) {
  int64_t sum = 0;
  for (const auto& [monomial, k] : p) {
    if (k < 0 && !monomial.empty()) return std::nullopt;
    int64_t product = 1;
    for (const std::string& factor : monomial) {
      const auto low = lower_bound(factor);
      if (!low || (*low < 0 && monomial.size() > 1)) return std::nullopt;
      product = checked_mul(product, *low);
    }
    sum = checked_add(sum, checked_mul(k, product));
  }
  return sum;
}

bool never_negative(const Polynomial& p) {
  if (const auto m = as_minimum(p); m && never_negative(m->a) && never_negative(m->b)) return true;
  return lower_bound(p).value_or(-1) >= 0;
}

/// max(0, p), the only form of min and max: since max(0, p) = p + max(0, -p), the leading term is made
/// positive.
Polynomial positive_part(InferContext& c, const Polynomial& p) {
  if (never_negative(p)) return p;
  const Polynomial negated = add({}, p, -1);
  if (never_negative(negated)) return {};
  const Polynomial& inner = p.rbegin()->second > 0 ? p : negated;
  const std::string text = fmt::format("max(0,{})", print(inner));
  const Monomial atom{text.size() > kMaxText ? c.symbol_name(c.fresh_symbol()) : text};
  return p.rbegin()->second > 0 ? Polynomial{{atom, 1}} : add(p, {{atom, 1}}, 1);
}

/// Is `p` = min(q, n) for a number n >= 1?  Then the two broadcast only to q: they are equal, or p is 1.
bool is_capped(const Polynomial& p, const Polynomial& q) {
  const auto m = as_minimum(p);
  return m && ((m->a == q && is_at_least_one(m->b)) || (m->b == q && is_at_least_one(m->a)));
}

/// Does `text` read "broadcast(part,...)" or "broadcast(...,part)"?
bool is_broadcast_of(std::string_view text, const std::string& part) {
  return text.starts_with("broadcast(" + part + ",") ||
         (text.starts_with("broadcast(") && text.ends_with("," + part + ")"));
}

/// In parentheses where a quotient needs them.
std::string operand(const Polynomial& p) {
  const std::string text = print(p);
  return p.size() > 1 || text.find('*') != std::string::npos ? "(" + text + ")" : text;
}

/// Divides both by the factors that every term of `a` shares with the one term of `b`.
void cancel(Polynomial& a, Polynomial& b) {
  if (b.size() != 1) return;
  Monomial common = b.begin()->first;
  int64_t factor = b.begin()->second;
  for (const auto& [m, k] : a) {
    Monomial shared;
    std::set_intersection(common.begin(), common.end(), m.begin(), m.end(), std::back_inserter(shared));
    common = std::move(shared);
    factor = std::gcd(factor, k);
  }
  const Polynomial g{{common, factor}};
  a = *divide_exactly(a, g);
  b = *divide_exactly(b, g);
}

}  // namespace

int64_t dim_add(InferContext& c, int64_t a, int64_t b) { return write(c, add(read(c, a), read(c, b), 1)); }
int64_t dim_sub(InferContext& c, int64_t a, int64_t b) { return write(c, add(read(c, a), read(c, b), -1)); }
int64_t dim_mul(InferContext& c, int64_t a, int64_t b) { return write(c, multiply(read(c, a), read(c, b))); }

int64_t dim_div(InferContext& c, int64_t a, int64_t b) {
  if (b == 0) c.error("division of {} by zero", a);
  if (!is_symbol(a) && !is_symbol(b)) {
    if (b == -1) return checked_mul(a, -1);
    return a / b;
  }
  Polynomial pa = read(c, a), pb = read(c, b);
  if (const auto exact = divide_exactly(pa, pb)) return write(c, *exact);
  cancel(pa, pb);
  return symbol_named(c, fmt::format("floor({}/{})", operand(pa), operand(pb)));
}

int64_t dim_max(InferContext& c, int64_t a, int64_t b) {
  const Polynomial pa = read(c, a), pb = read(c, b);
  return write(c, add(pa, positive_part(c, add(pb, pa, -1)), 1));
}

int64_t dim_min(InferContext& c, int64_t a, int64_t b) {
  const Polynomial pa = read(c, a), pb = read(c, b);
  return write(c, add(pb, positive_part(c, add(pb, pa, -1)), -1));
}

bool dim_is_never_negative(InferContext& c, int64_t a) {
  return is_symbol(a) ? never_negative(read(c, a)) : a >= 0;
}

int64_t dim_product(InferContext& c, std::span<const int64_t> dims) {
  int64_t r = 1;
  for (int64_t d : dims) r = dim_mul(c, r, d);
  return r;
}

int64_t dim_broadcast(InferContext& c, int64_t a, int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (is_symbol(a) && is_symbol(b)) {
    const Polynomial pa = read(c, a), pb = read(c, b);
    if (is_capped(pa, pb)) return b;
    if (is_capped(pb, pa)) return a;
    std::string x = print(pa), y = print(pb);
    if (y < x) std::swap(x, y);
    if (is_broadcast_of(y, x)) return a == symbol_named(c, y) ? a : b;
    if (is_broadcast_of(x, y)) return a == symbol_named(c, x) ? a : b;
    return symbol_named(c, fmt::format("broadcast({},{})", x, y));
  }
  if (is_symbol(a)) return b;  // a is 1 or b
  if (is_symbol(b)) return a;
  c.error("extents {} and {} do not broadcast", a, b);
}

Shape broadcast_shapes(InferContext& c, const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<int64_t> dims(static_cast<size_t>(rank));
  for (int i = 0; i < rank; i++) {
    const int ia = i - (rank - a.rank()), ib = i - (rank - b.rank());
    const int64_t da = ia < 0 ? 1 : a[ia], db = ib < 0 ? 1 : b[ib];
    if (da != db && da > 1 && db > 1)
      c.error("shapes {} and {} do not broadcast", to_string(a), to_string(b));
    dims[static_cast<size_t>(i)] = dim_broadcast(c, da, db);
  }
  return Shape(std::move(dims));
}

int64_t dim_same(InferContext& c, int64_t a, int64_t b, std::string_view what) {
  if (is_symbol(a)) return is_symbol(b) ? a : b;
  if (!is_symbol(b) && a != b) c.error("{}: extents {} and {} differ", what, a, b);
  return a;
}

}  // namespace tenfold::ops
