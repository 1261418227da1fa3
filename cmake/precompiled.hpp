// What almost every file includes.  Parsed once: it is 90,000 lines, and took 80 % of the time to compile an
// operator (5.3 s of 5.3 + 1.3).  Files still name what they use; this only makes it cheap.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>
